// KFP wants to know what kind of artifact a step makes before anything runs: a dataset, a model. This module says so where the notebook
// leaves no doubt: the name is bound once, by a call that can give nothing else. Otherwise the value decides, at run time (decision 0023).
import { groupBy } from './group.js';
import type { ArtifactKind, Bundle } from './pipeline.js';
import type { Slot } from './python/effects/slot.js';
import { topStatements } from './python/stale.js';
import type { Call, Expression, ParsedCell } from './python/syntax.js';
import type { StepPlan } from './stepPlan.js';

/** The outputs of each step, with their kinds. */
export function findKinds(
  plans: readonly StepPlan[],
  read: (cell: number) => ParsedCell | undefined
): readonly (readonly Bundle[])[] {
  const slots = groupBy(
    plans.flatMap(({ needs }) => needs.map(({ slot }) => slot)),
    ({ step }) => step
  );
  return plans.map(({ outputs }, step) =>
    outputs.map(bundle => {
      const kinds = bundle.names.map(name =>
        kindOf(
          slots.get(step)?.find(slot => slot.name === name),
          read
        )
      );
      const [kind] = kinds;
      return kind !== undefined && kinds.every(other => other === kind) ? { ...bundle, kind } : bundle;
    })
  );
}

function kindOf(slot: Slot | undefined, read: (cell: number) => ParsedCell | undefined): ArtifactKind | undefined {
  if (slot === undefined || slot.isMaybe || slot.values !== undefined || slot.value.things.length !== 1)
    return undefined;
  const call = findCall(slot, read(slot.origin.cell));
  const { madeBy, instanceOf } = slot.value.things[0]!;
  if (call === undefined) return undefined;
  if (instanceOf !== undefined) {
    const bases = instanceOf.bases.flatMap(({ things }) => things.map(({ path }) => path ?? ''));
    return calledName(call) === instanceOf.name && bases.some(base => modelBases.test(base)) ? 'Model' : undefined;
  }
  return madeBy === undefined ? undefined : kindOfCall(call, madeBy);
}

/** The call whose outcome a statement of the cell, in no branch and no loop, gave the name. */
function findCall({ name, origin }: Slot, cell: ParsedCell | undefined): Call | undefined {
  if (cell === undefined) return undefined;
  const found = topStatements(cell).find(
    ({ statement, from }) => from <= origin.from && origin.from < from + statement.to - statement.from
  )?.statement;
  if (found?.type !== 'Assign' && found?.type !== 'AnnotatedAssign') return undefined;
  const target = found.type === 'Assign' ? found.targets[0] : found.target;
  const isOne = found.type === 'AnnotatedAssign' || found.targets.length === 1;
  return isOne && target?.type === 'Name' && target.id === name && found.value?.type === 'Call'
    ? found.value
    : undefined;
}

/** What a call gives, where `madeBy` is the library's callable behind it. */
function kindOfCall(call: Call, madeBy: string): ArtifactKind | undefined {
  if (calledName(call) === madeBy.slice(madeBy.lastIndexOf('.') + 1))
    return tables.test(madeBy) ? 'Dataset' : isModel(madeBy) ? 'Model' : undefined;
  const { func, keywords } = call;
  if (func.type !== 'Attribute') return undefined;
  // a method of what the notebook names, or of what it makes there
  if (func.attr === 'fit') return isModel(madeBy) && isPlain(func.value, madeBy) ? 'Model' : undefined;
  const isTable = tables.test(madeBy) && frameMethods.has(func.attr) && isPlain(func.value, madeBy);
  return isTable && !keywords.some(({ name }) => name === 'inplace') ? 'Dataset' : undefined;
}

/** The thing itself, and not a part of it that an index or an attribute gives. */
function isPlain(expression: Expression, madeBy: string): boolean {
  if (expression.type === 'Name') return true;
  return expression.type === 'Call' && kindOfCall(expression, madeBy) !== undefined;
}

function calledName({ func }: Call): string | undefined {
  return func.type === 'Name' ? func.id : func.type === 'Attribute' ? func.attr : undefined;
}

/** Callables whose outcome is a table, or a column of one. */
const tables = new RegExp(
  '^pandas\\.(DataFrame|Series|concat|merge|get_dummies|json_normalize|crosstab|pivot_table|' +
    'read_(csv|parquet|json|excel|table|feather|sql|sql_query|sql_table|orc|fwf|stata|sas|spss))$|' +
    '^polars\\.(DataFrame|LazyFrame|Series|read_\\w+|scan_\\w+|concat)$|^pyarrow\\.(table|Table)$'
);

/** Methods that only pandas' tables and columns have, and which give one again. */
const frameMethods = new Set(
  `drop dropna fillna reset_index set_index assign rename query head tail sample sort_values sort_index merge drop_duplicates
  select_dtypes ffill bfill interpolate nlargest nsmallest explode reindex convert_dtypes melt`.split(/\s+/)
);

/** Classes of libraries whose subclasses are models. */
const modelBases =
  /^(torch\.nn\.(modules\.module\.)?Module|sklearn\.base\.\w+|(tensorflow\.)?keras\.(models\.)?Model|(pytorch_lightning|lightning(\.pytorch)?)\.LightningModule)$/;

/** Classes whose instances learn, and functions that make such. */
const models =
  /^(sklearn\.(pipeline|compose)\.make_\w+|sklearn\.[a-z_.]+\.[A-Z]\w+|xgboost\.XGB\w+|lightgbm\.LGBM\w+|catboost\.CatBoost\w*|(tensorflow\.)?keras\.(models\.)?(Sequential|Model)|statsmodels\..+\.(OLS|Logit|GLM))$/;

/** Classes of sklearn that learn nothing: they split, score, draw and describe. */
const noModels =
  /^sklearn\.((metrics|utils|datasets|inspection|exceptions|gaussian_process\.kernels)\.|model_selection\.(?!\w+(SearchCV|ThresholdClassifier(CV)?)$)|.*Display$)/;

const isModel = (path: string): boolean => models.test(path) && !noModels.test(path);
