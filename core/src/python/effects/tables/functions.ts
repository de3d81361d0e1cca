// What library functions do with their arguments, by full dotted name. Data, not code: add a name where it belongs.
// A function that no table knows changes no argument, and its result may hold what it was given.

/**
 * `scalar`: immutable. `number`: immutable for a number, new for an array. `fresh`: new, shares nothing. `view`: an argument, a part or a view of one. `holds`: holds them.
 * `drawn`: new, and holds the axes it was given, but nothing else.
 */
export type ResultKind = 'scalar' | 'number' | 'fresh' | 'view' | 'holds' | 'drawn';

const words = (text: string): string[] => text.trim().split(/\s+/);

const scalars = words(`
  builtins.len builtins.int builtins.float builtins.str builtins.bool builtins.isinstance
  builtins.issubclass builtins.hash builtins.ord builtins.chr builtins.repr builtins.ascii builtins.format
  builtins.print builtins.any builtins.all builtins.range builtins.input builtins.hasattr builtins.callable builtins.hex builtins.oct builtins.bin builtins.bytes builtins.complex builtins.display builtins.help
  builtins.type builtins.delattr builtins.setattr builtins.slice
  os.getcwd os.path.join os.path.exists os.path.basename os.path.dirname os.path.abspath os.path.getsize
  os.getenv os.environ.get os.makedirs os.remove os.path.isfile os.path.isdir os.path.splitext
  tempfile.mkdtemp tempfile.mktemp tempfile.gettempdir time.time time.perf_counter time.sleep time.strftime json.dumps json.dump pickle.dumps pickle.dump joblib.dump
  datetime.datetime.now datetime.date.today random.random random.randint random.uniform random.gauss random.randrange
`);

const fresh = words(`
  builtins.object builtins.id builtins.open builtins.sum builtins.dir copy.deepcopy json.loads json.load pickle.loads pickle.load joblib.load
  sklearn.model_selection.train_test_split sklearn.model_selection.cross_val_score
  sklearn.model_selection.cross_validate sklearn.base.clone
  sklearn.metrics.* sklearn.datasets.* sklearn.utils.* math.* cmath.* statistics.* re.* numpy.* pandas.* scipy.*
  random.* datetime.* time.* os.* subprocess.* requests.* glob.* string.* decimal.* fractions.* hashlib.* uuid.*
`);

const views = words(`
  builtins.min builtins.max builtins.next builtins.getattr builtins.vars copy.copy numpy.asarray numpy.asanyarray
  numpy.ascontiguousarray numpy.ravel numpy.reshape numpy.squeeze numpy.transpose numpy.atleast_1d numpy.atleast_2d
  numpy.expand_dims numpy.swapaxes numpy.moveaxis numpy.broadcast_to numpy.split numpy.array_split numpy.hsplit
  numpy.vsplit numpy.flip numpy.diagonal numpy.rollaxis numpy.frombuffer numpy.real numpy.imag torch.from_numpy
  numpy.einsum numpy.diag numpy.rot90 numpy.fliplr numpy.flipud numpy.dsplit numpy.atleast_3d numpy.asarray_chkfinite numpy.asfortranarray
  numpy.require numpy.broadcast_arrays numpy.matrix_transpose numpy.permute_dims numpy.unstack numpy.trim_zeros numpy.ma.asarray
  numpy.lib.stride_tricks.as_strided numpy.lib.stride_tricks.sliding_window_view numpy.nan_to_num numpy.real_if_close
  torch.as_tensor torch.squeeze torch.unsqueeze torch.reshape torch.transpose random.choice functools.reduce
  asyncio.run typing.cast
`);

const holds = words(`
  builtins.iter builtins.enumerate builtins.zip builtins.reversed builtins.map builtins.filter builtins.sorted
  builtins.list builtins.tuple builtins.set builtins.frozenset builtins.dict builtins.memoryview
  pandas.DataFrame pandas.Series numpy.array random.sample random.choices random.Random re.compile
`);

const numbers = words('builtins.abs builtins.round builtins.divmod builtins.pow');

const results = new Map<string, ResultKind>([
  ...numbers.map(name => [name, 'number'] as const),
  ...fresh.map(name => [name, 'fresh'] as const),
  ...scalars.map(name => [name, 'scalar'] as const),
  ...views.map(name => [name, 'view'] as const),
  ...holds.map(name => [name, 'holds'] as const)
]);

/** What comes of calling `path`; undefined where no table knows. */
export function resultKind(path: string): ResultKind | undefined {
  const exact = results.get(path);
  if (exact) return exact;
  if (/Display\.from_(estimator|cv_results)$/.test(path)) return 'drawn';
  for (let end = path.lastIndexOf('.'); end > 0; end = path.lastIndexOf('.', end - 1)) {
    const family = results.get(path.slice(0, end) + '.*');
    if (family) return family;
  }
  return undefined;
}

/** Functions that change an argument in place: the argument's index. `stores` ones make it hold the others. */
const changers: ReadonlyMap<string, number> = new Map<string, number>([
  ['json.dump', 1],
  ['pickle.dump', 1],
  ['struct.pack_into', 1],
  ['numpy.dot', 2],
  ['numpy.matmul', 2],
  ['numpy.clip', 3],
  ...words(`
    add subtract multiply divide true_divide floor_divide power float_power remainder mod fmod maximum minimum fmax fmin hypot arctan2 logaddexp
    greater greater_equal less less_equal equal not_equal logical_and logical_or logical_xor bitwise_and bitwise_or bitwise_xor copysign
  `).map(name => [`numpy.${name}`, 2] as const),
  ...words(`
    sqrt square exp exp2 expm1 log log2 log10 log1p abs absolute fabs negative positive sign reciprocal cbrt sin cos tan arcsin arccos arctan sinh
    cosh tanh floor ceil trunc rint isnan isfinite isinf logical_not invert conjugate degrees radians
  `).map(name => [`numpy.${name}`, 1] as const),
  ...words(`
    random.shuffle numpy.random.shuffle heapq.heappush heapq.heappop heapq.heapify heapq.heapreplace heapq.heappushpop
    bisect.insort bisect.insort_left bisect.insort_right numpy.copyto numpy.put numpy.place numpy.putmask
    numpy.fill_diagonal numpy.put_along_axis builtins.next builtins.anext builtins.setattr builtins.delattr
    operator.setitem operator.delitem operator.iadd operator.imul operator.isub operator.ior operator.iconcat
    builtins.object.__setattr__ builtins.object.__delattr__ builtins.type.__setattr__
    torch.nn.utils.clip_grad_norm_ torch.nn.utils.clip_grad_value_ torch.nn.init.*
  `).map(name => [name, 0] as const)
]);

/** Index of the argument that calling `path` changes. */
export function changedArgument(path: string): number | undefined {
  if (/^numpy\.\w+\.at$/.test(path)) return 0;
  return changers.get(path) ?? changers.get(path.slice(0, path.lastIndexOf('.')) + '.*');
}

/** Makers whose objects are a window on what they were given: who changes them changes that. */
const windows = new Set(
  words(`
    collections.ChainMap builtins.memoryview weakref.proxy io.TextIOWrapper io.BufferedReader io.BufferedWriter io.BufferedRandom
    gzip.GzipFile gzip.open bz2.BZ2File lzma.LZMAFile zipfile.ZipFile tarfile.open tarfile.TarFile csv.reader csv.DictReader csv.writer
    csv.DictWriter pandas.ExcelWriter pickle.Pickler pickle.Unpickler logging.StreamHandler
  `)
);

export const writesThrough = (maker: string | undefined): boolean => maker !== undefined && windows.has(maker);

const streams = new Set(words('io.StringIO io.BytesIO tempfile.SpooledTemporaryFile'));

/** Makers of streams in memory, on which whoever is given them reads or writes, and so moves them on. */
export const isStream = (maker: string | undefined): boolean => maker !== undefined && streams.has(maker);

/** What can go there, but is of no use. */
export const address = 'the address of an object, which has another one in each process';

/** What only its own process can have; a pipeline may do without. */
export const ofItself = 'a function that keeps something for itself';

/** What calling these makes cannot go to another process; in the words for the user. */
export const untravelling: ReadonlyMap<string, string> = new Map([
  ['builtins.open', 'an open file'],
  ['io.open', 'an open file'],
  ['gzip.open', 'an open file'],
  ['bz2.open', 'an open file'],
  ['lzma.open', 'an open file'],
  ['zipfile.ZipFile', 'an open archive'],
  ['tarfile.open', 'an open archive'],
  ['tempfile.TemporaryFile', 'an open file'],
  ['tempfile.NamedTemporaryFile', 'an open file'],
  ['tempfile.TemporaryDirectory', 'a directory that ends with its process'],
  ['sqlite3.connect', 'a database connection'],
  ['psycopg2.connect', 'a database connection'],
  ['pymysql.connect', 'a database connection'],
  ['mysql.connector.connect', 'a database connection'],
  ['duckdb.connect', 'a database connection'],
  ['sqlalchemy.create_engine', 'a database engine'],
  ['socket.socket', 'a socket'],
  ['socket.create_connection', 'a socket'],
  ['threading.Thread', 'a thread'],
  ['threading.Lock', 'a lock'],
  ['threading.RLock', 'a lock'],
  ['threading.Event', 'a lock'],
  ['threading.Condition', 'a lock'],
  ['threading.Semaphore', 'a lock'],
  ['threading.local', 'thread-local data'],
  ['multiprocessing.Pool', 'a pool of processes'],
  ['multiprocessing.Process', 'a process'],
  ['multiprocessing.Lock', 'a lock'],
  ['multiprocessing.Queue', 'a queue between processes'],
  ['queue.Queue', 'a queue with a lock'],
  ['concurrent.futures.ThreadPoolExecutor', 'a pool of threads'],
  ['concurrent.futures.ProcessPoolExecutor', 'a pool of processes'],
  ['subprocess.Popen', 'a running process'],
  ['asyncio.create_task', 'a running task'],
  ['asyncio.get_event_loop', 'an event loop'],
  ['asyncio.new_event_loop', 'an event loop'],
  ['contextvars.ContextVar', 'a context variable'],
  ['builtins.id', address],
  ['types.ModuleType', 'a module made at run time'],
  ['weakref.ref', 'a weak reference'],
  ['weakref.proxy', 'a weak reference'],
  ['weakref.WeakValueDictionary', 'a collection of weak references'],
  ['weakref.WeakKeyDictionary', 'a collection of weak references'],
  ['weakref.WeakSet', 'a collection of weak references'],
  ['h5py.File', 'an open file'],
  ['netCDF4.Dataset', 'an open file'],
  ['os.scandir', 'a directory listing'],
  ['csv.reader', 'a reader of an open file'],
  ['csv.writer', 'a writer of an open file']
]);

/** Makers of what stands for types; pickle knows it by the name of the module that defines it. */
export const isTypeMaker = (path = ''): boolean =>
  /^typing(_extensions)?\.(TypeVar|TypeVarTuple|ParamSpec|NewType|TypeAliasType)$/.test(path);

/** Decorators that give the same function again when their source runs again. */
const pureDecorators = new Set(
  words(`
    builtins.staticmethod builtins.classmethod builtins.property functools.wraps functools.lru_cache functools.cache
    functools.cached_property functools.total_ordering functools.singledispatch functools.partial
    dataclasses.dataclass contextlib.contextmanager contextlib.asynccontextmanager abc.abstractmethod typing.overload
    typing.final typing.no_type_check typing.runtime_checkable typing.override enum.unique numba.njit numba.jit
    numba.vectorize numba.guvectorize numba.cuda.jit numba.prange torch.no_grad torch.inference_mode torch.jit.script
    torch.compile tensorflow.function jax.jit jax.vmap jax.grad attr.s attr.define attr.frozen attrs.define attrs.frozen
    numpy.vectorize numpy.errstate tenacity.retry retrying.retry warnings.catch_warnings
  `)
);

export const isPureDecorator = (path: string): boolean => pureDecorators.has(path);
