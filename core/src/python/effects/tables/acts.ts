// What functions and methods do besides giving values: what can be seen, what stays in the world, and what is another thing
// each time. Data, not code: add a name where it belongs.

const words = (text: string): string[] => text.trim().split(/\s+/);

/** Libraries whose functions only compute. */
const quiet =
  /^(sklearn|imblearn|numpy|pandas|scipy|statsmodels|torch|math|cmath|collections|itertools|functools|dataclasses|typing|enum|re|copy|operator|statistics|random|string|datetime|decimal|fractions|builtins|types|abc|contextlib|warnings|pathlib|os\.path|heapq|bisect|time|uuid|json|pickle)\./;

const loud = new RegExp(
  '^(' +
    words(String.raw`
      builtins\.(print|input|display|help|open|breakpoint) IPython\.display\..* numpy\.(save\w*|show_config) json\.dump pickle\.dump time\.sleep
      pandas\.plotting\..* sklearn\..*Display\..* torch\.save pandas\.(ExcelWriter|HDFStore)
    `).join('|') +
    ')$'
);

/** Whether calling `path` does more than give a value, for all we know. */
export const isLoudCall = (path: string): boolean => loud.test(path) || !quiet.test(path);

const loudMethods = new Set(
  words(`to_csv to_json to_excel to_parquet to_pickle to_html to_latex to_markdown to_feather to_sql to_hdf to_clipboard info dump tofile
    savefig show write writelines write_text write_bytes flush send mkdir touch unlink rename commit execute executemany plot hist
    boxplot backward summary print log start join`)
);

/** Whether a method does more than to its object and its result. */
export const isLoudMethod = (name: string, maker = ''): boolean =>
  loudMethods.has(name) || /^(matplotlib|seaborn|plotly|altair|bokeh)\./.test(maker);

const outside =
  /^(subprocess\..*|os\.(system|popen|remove|unlink|rename|replace|rmdir|removedirs|kill|truncate)|shutil\.(copy\w*|move|rmtree|make_archive|unpack_archive)|requests\.(post|put|patch|delete)|urllib\.request\.urlretrieve|numpy\.(save|savez\w*|savetxt)|json\.dump|pickle\.dump|joblib\.dump|torch\.save)$/;
const outsideMethods = new Set(
  words('to_csv to_json to_excel to_parquet to_pickle to_feather to_sql to_hdf tofile savefig writelines')
);

/** Whether calling `path` surely does something to files, programs or other machines. */
export const actsOutside = (path: string): boolean => outside.test(path);

export const actsOutsideByMethod = (name: string): boolean => outsideMethods.has(name);

const fickle =
  /^(time\.(time|time_ns|perf_counter|monotonic|localtime|gmtime|ctime)|datetime\.(datetime\.(now|utcnow|today)|date\.today)|uuid\.uuid[14]|os\.(urandom|getpid)|secrets\..*|tempfile\.(mkdtemp|mkstemp|mktemp|TemporaryDirectory|NamedTemporaryFile)|numpy\.random\.(default_rng|RandomState)|random\.(Random|SystemRandom))$/;

/** Whether calling `path` without arguments gives another value in each process. */
export const isFickle = (path: string): boolean => fickle.test(path);
