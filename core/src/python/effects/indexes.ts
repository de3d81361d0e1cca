// The index of a table, and its columns, are objects of their own: tables that are made from one another may share them, and
// a name that one of them gets the others have too. Nothing else of an index can change.
import { heldBy, makeThing, mayHold, unite, valueOf } from './thing.js';
import type { Thing, Value } from './thing.js';

const maker = 'pandas.Index';

export const isIndex = ({ madeBy }: Thing): boolean => madeBy === maker;

const indexes = new WeakMap<Thing, Thing>();
const own = new WeakSet<Thing>();

/** Whether this stands for what tables have as `index` and `columns`, rather than for an index that the notebook made. */
export const isTableIndex = (thing: Thing): boolean => own.has(thing);

/** What `table.index` and `table.columns` may be. */
export function indexOf(table: Thing): Value {
  let index = indexes.get(table);
  if (!index) indexes.set(table, (index = makeThing({ madeBy: maker, birth: table.birth })));
  own.add(index);
  mayHold(table, valueOf(index));
  return unite([valueOf(index), { things: heldBy(table).things.filter(isIndex) }]);
}

/** A table that is computed from this one row by row may have the same index. */
export function shareIndex(made: Thing, table: Thing): void {
  if (!table.madeBy?.startsWith('pandas.') || isIndex(table)) return;
  const known = heldBy(table).things.filter(isIndex);
  mayHold(made, known.length > 0 ? { things: known } : indexOf(table));
}

const keepingRows = new Set(
  `abs add apply applymap assign astype bfill clip convert_dtypes copy cumsum diff div divide dropna eq ewm fillna ffill ge gt infer_objects
  interpolate isin isna isnull join le lt map mask merge mod mul multiply ne notna notnull pct_change pipe pow rank radd rdiv rename replace
  rmul round rsub shift sub subtract transform truediv where set_axis str dt cat`.split(/\s+/)
);

/** Methods that give a table with as many rows, which may have the same index. */
export const keepsRows = (method: string): boolean => keepingRows.has(method);

const data = new Set(['values', 'array', '_values', 'T']);

/** What an attribute of an index may be: its data or a new object. */
export const attributeOfIndex = (index: Thing, attr: string): readonly Thing[] => (data.has(attr) ? [index] : []);
