// What sets the state of the whole process, and what draws from the global random generators. Data, not code.

const words = (text: string): string[] => text.trim().split(/\s+/);

/** `config.handlers.append(f)`, of which `isDropped` says that nobody takes what it gives: a container that a module has changes. */
export function changesContainer(path: string, isDropped: boolean): boolean {
  const method = path.slice(path.lastIndexOf('.') + 1);
  return (takers.has(method) || (isDropped && changers.has(method))) && inContainer.test(path);
}

const takers = new Set(words('pop popleft popitem setdefault'));
const changers = new Set(words('append appendleft extend insert add update remove discard clear sort reverse'));

/** A method of what is no class and stands in a module. */
const inContainer = /^\w+\.(?:.*\.)?([a-z_]\w*|[A-Z][A-Z0-9_]*)\.\w+$/;

/** Calls that set a state which later code depends on, by beginning or whole dotted name. */
const setters = new RegExp(
  '^(' +
    words(String.raw`
      matplotlib\.pyplot\.(style\.use|rc|rcdefaults|ion|ioff|switch_backend|set_cmap|rcParams\..*)
      matplotlib\.(use|rc|rcdefaults|style\.use|rcParams\..*)
      matplotlib_inline\..* IPython\.display\.set_matplotlib_formats
      seaborn\.(set|set_theme|set_style|set_palette|set_context|reset_defaults)
      pandas\.(set_option|reset_option|plotting\.register_matplotlib_converters)
      numpy\.(set_printoptions|seterr|seterrcall)
      warnings\.(filterwarnings|simplefilter|resetwarnings)
      os\.(chdir|putenv|unsetenv|umask|environ\..*)
      sys\.path\..* sys\.(setrecursionlimit|set_int_max_str_digits)
      locale\.setlocale logging\.(basicConfig|disable|captureWarnings)
      sklearn\.set_config
      torch\.(set_\w+|use_deterministic_algorithms|cuda\.manual_seed|cuda\.manual_seed_all|cuda\.set_device|backends\..*)
      tensorflow\.(random\.set_seed|config\..*|keras\.utils\.set_random_seed|get_logger\(\)\..*)
      keras\.utils\.set_random_seed jax\.config\.update
      plotly\.io\..* tqdm\.(tqdm|auto\.tqdm|notebook\.tqdm)\.pandas
      decimal\.setcontext gc\.(disable|enable|freeze) dotenv\.load_dotenv socket\.setdefaulttimeout
      multiprocessing\.set_start_method faulthandler\.enable
      altair\.(data_transformers|renderers|themes)\..*
      polars\.Config\.set_\w+ csv\.(field_size_limit|register_dialect|unregister_dialect)
      pandas\.api\.extensions\.register_\w+ codecs\.(register|register_error) copyreg\.pickle atexit\.register
      IPython\.core\.magic\.(register_\w+|magics_class) sqlite3\.register_\w+ mimetypes\.add_type signal\.signal
      matplotlib\.(colormaps\.(un)?register|font_manager\.fontManager\.\w+|projections\.register_projection|scale\.register_scale)
      gymnasium\.register gym\.register sys\.(settrace|setprofile|set_coroutine_origin_tracking_depth)
    `).join('|') +
    ')$'
);

export const setsAmbient = (path: string): boolean =>
  (path.endsWith('.register') || setters.test(path)) &&
  !/^os\.environ\.(get|keys|values|items|copy)$|\.(get|copy|keys|values|items|index|count)$/.test(path);

/** Objects that a call gives and that are the process's own: setting their attributes sets its state. */
const ambientObjects =
  /^(decimal\.getcontext|logging\.(getLogger|(handlers\.)?\w*Handler)|plotly\.io\.templates|sys\.getprofile|matplotlib\.style\.library)$/;

export const isAmbientObject = (maker: string): boolean => ambientObjects.test(maker);

/** What a process has one of, by its name: another process must find its own, and not take a copy. */
const processOwn =
  /^(sys\.(std(in|out|err)|path|path_hooks|meta_path|modules)|os\.environ|time\.\w+|matplotlib(\.pyplot)?\.rcParams|pandas\.options(\.\w+)*|warnings\.filters|logging\.root)$/;

/** The same, by what gives it. */
const givesProcessOwn = /^(decimal\.getcontext|logging\.(Formatter|(handlers\.)?\w*Handler))$/;

export const isProcessOwn = ({ path, madeBy }: { readonly path?: string; readonly madeBy?: string }): boolean =>
  path === undefined ? madeBy !== undefined && givesProcessOwn.test(madeBy) : processOwn.test(path);

/** Line magics that set the state of the process. */
export const ambientMagics: ReadonlySet<string> = new Set(
  words('matplotlib config load_ext reload_ext autoreload aimport env set_env cd precision pprint gui')
);

/** Line magics that bind names which the line does not show. */
export const bindingMagics: ReadonlySet<string> = new Set(words('run store pylab rerun recall macro'));

/** Modules that are imported for what their import does to another: they offer a name, an accessor or a style there. */
const registering =
  /^(__future__|sklearn\.experimental|hvplot|scienceplots|cudf\.pandas|tensorflow_text|mplcyberpunk)(\.|$)/;

export const isImportedForEffect = (module: string): boolean => registering.test(module);

export type RandomState = 'random' | 'numpy.random' | 'torch.random';

/** The state that `path` seeds. */
export const seeds: ReadonlyMap<string, RandomState> = new Map([
  ['random.seed', 'random'],
  ['random.setstate', 'random'],
  ['numpy.random.seed', 'numpy.random'],
  ['numpy.random.set_state', 'numpy.random'],
  ['torch.manual_seed', 'torch.random'],
  ['torch.random.manual_seed', 'torch.random'],
  ['torch.set_rng_state', 'torch.random']
]);

const numpyOwn =
  /^numpy\.random\.(default_rng|Generator|RandomState|SeedSequence|PCG64|MT19937|Philox|SFC64|BitGenerator|bit_generator)/;
const torchDraws =
  /^torch\.(rand\w*|normal|bernoulli|multinomial|poisson|dropout|nn\.(Linear|Conv\w*|LSTM|GRU|RNN|Embedding|Transformer\w*|MultiheadAttention|Bilinear|init\..*|functional\.dropout\w*)|utils\.data\.(DataLoader|random_split|RandomSampler))$/;
const learningDraws =
  /^(sklearn\.(model_selection\.train_test_split|utils\.(shuffle|resample)|datasets\.make_\w+)|scipy\.stats\..*\.rvs)$/;
const stochastic =
  /^sklearn\..*\.?(Random\w*|ExtraTree\w*|GradientBoosting\w*|HistGradientBoosting\w*|KMeans|MiniBatchKMeans|MLP\w+|SGD\w+|Bagging\w+|AdaBoost\w+|TSNE|Perceptron|PassiveAggressive\w+|GaussianMixture|BayesianGaussianMixture|DecisionTree\w+|IsolationForest|LatentDirichletAllocation|NMF|TruncatedSVD|SpectralClustering|ShuffleSplit|StratifiedShuffleSplit|KFold|StratifiedKFold|RandomizedSearchCV|LinearSVC|SVC|LogisticRegression\w*|PCA|FastICA|BernoulliRBM|Nystroem|RBFSampler|QuantileTransformer|KBinsDiscretizer|SplineTransformer|MiniBatchDictionaryLearning|DictionaryLearning)$/;

/** The global random state that calling `path` draws from; `isSeeded` where the call gives a `random_state`. */
export function drawsFrom(path: string, isSeeded: boolean): RandomState | undefined {
  if (/^random\.[a-z]+$/.test(path)) return 'random';
  if (path.startsWith('numpy.random.')) return numpyOwn.test(path) ? undefined : 'numpy.random';
  if (torchDraws.test(path)) return 'torch.random';
  return learningDraws.test(path) && !isSeeded ? 'numpy.random' : undefined;
}

/** Whether objects of this library class draw from NumPy's global state when they are fitted. */
export const isStochastic = (maker: string): boolean => stochastic.test(maker);
