// Which functions and methods read or write a file, and which argument is its path. Data, not code.

/** `changes`: both, as appending does. */
export type FileRole = 'reads' | 'writes' | 'changes';

export interface FileArgument {
  readonly argument: number;
  readonly keyword?: string;
  readonly role: FileRole;
}

const words = (text: string): string[] => text.trim().split(/\s+/);

const functions = new Map<string, FileArgument[]>();

function add(names: string, ...uses: FileArgument[]): void {
  for (const name of words(names)) functions.set(name, uses);
}

add(
  `pandas.read_csv pandas.read_table pandas.read_parquet pandas.read_feather pandas.read_json pandas.read_excel
  pandas.read_pickle pandas.read_hdf pandas.read_fwf pandas.read_html pandas.read_xml pandas.read_orc pandas.read_stata
  polars.read_csv polars.read_parquet polars.scan_csv polars.scan_parquet pyarrow.parquet.read_table
  pyarrow.parquet.read_pandas pyarrow.feather.read_table`,
  { argument: 0, keyword: 'filepath_or_buffer', role: 'reads' }
);
add('numpy.load numpy.fromfile', { argument: 0, keyword: 'file', role: 'reads' });
add('numpy.loadtxt numpy.genfromtxt', { argument: 0, keyword: 'fname', role: 'reads' });
add('numpy.save numpy.savez numpy.savez_compressed', { argument: 0, keyword: 'file', role: 'writes' });
add('numpy.savetxt', { argument: 0, keyword: 'fname', role: 'writes' });
add('joblib.load torch.load tensorflow.keras.models.load_model keras.models.load_model scipy.io.loadmat', {
  argument: 0,
  keyword: 'filename',
  role: 'reads'
});
add('joblib.dump', { argument: 1, keyword: 'filename', role: 'writes' });
add('torch.save', { argument: 1, keyword: 'f', role: 'writes' });
add('scipy.io.savemat pyarrow.csv.write_csv', { argument: 0, role: 'writes' });
add('pyarrow.parquet.write_table pyarrow.feather.write_feather', { argument: 1, keyword: 'where', role: 'writes' });
add('matplotlib.pyplot.savefig', { argument: 0, keyword: 'fname', role: 'writes' });
add('matplotlib.pyplot.imsave imageio.imwrite imageio.v3.imwrite cv2.imwrite skimage.io.imsave', {
  argument: 0,
  role: 'writes'
});
add(
  'matplotlib.pyplot.imread matplotlib.image.imread imageio.imread imageio.v3.imread cv2.imread skimage.io.imread PIL.Image.open',
  {
    argument: 0,
    role: 'reads'
  }
);
add(
  'shutil.copy shutil.copyfile shutil.copy2 shutil.copytree',
  { argument: 0, keyword: 'src', role: 'reads' },
  { argument: 1, keyword: 'dst', role: 'writes' }
);
add(
  'shutil.move os.rename os.replace',
  { argument: 0, keyword: 'src', role: 'changes' },
  { argument: 1, keyword: 'dst', role: 'writes' }
);
add('os.remove os.unlink os.rmdir shutil.rmtree', { argument: 0, keyword: 'path', role: 'changes' });
add('os.mkdir os.makedirs', { argument: 0, role: 'writes' });
add('os.listdir os.path.exists os.path.getsize os.path.isfile os.path.isdir os.scandir os.walk glob.glob', {
  argument: 0,
  role: 'reads'
});
add('sqlite3.connect duckdb.connect shelve.open h5py.File', { argument: 0, role: 'changes' });
add('urllib.request.urlretrieve', { argument: 1, keyword: 'filename', role: 'writes' });
add('zipfile.ZipFile tarfile.open', { argument: 0, role: 'reads' });

export const fileFunction = (path: string): readonly FileArgument[] => functions.get(path) ?? [];

const methods = new Map<string, FileArgument>(
  words(
    `to_csv to_parquet to_json to_excel to_pickle to_html to_feather to_hdf to_latex to_markdown to_stata to_orc to_xml
    write_csv write_parquet savefig save save_model save_weights tofile dump to_file write_image write_html`
  ).map(name => [name, { argument: 0, role: 'writes' }])
);
for (const name of words('load_model load_weights')) methods.set(name, { argument: 0, role: 'reads' });

/** The file that a method of any object reads or writes. */
export const fileMethod = (name: string): FileArgument | undefined => methods.get(name);
