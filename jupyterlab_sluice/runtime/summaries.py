"""A variable in a few words, for lists of what a step gave: its type, its size or value, and whether it is a dataset or a
model.
"""

from __future__ import annotations

from typing import Any, Dict, Iterable, Tuple

LONGEST = 80
#: classes by the name of their library and their own; what inherits from one is of its kind
KINDS = {
    name: kind
    for kind, names in {
        "Dataset": "pandas.DataFrame pandas.Series polars.DataFrame polars.LazyFrame polars.Series pyarrow.Table dask.DataFrame "
        "dask_expr.DataFrame xarray.Dataset xarray.DataArray datasets.Dataset torch.Dataset tensorflow.DatasetV2 pyspark.DataFrame "
        "duckdb.DuckDBPyRelation",
        "Model": "sklearn.BaseEstimator torch.Module keras.Model xgboost.Booster lightgbm.Booster catboost.CatBoost "
        "statsmodels.Model statsmodels.Results statsmodels.ResultsWrapper",
    }.items()
    for name in names.split()
}


def describe(name: str, value: Any) -> Dict[str, str]:
    """One entry of `variables`."""
    kind = type(value)
    module = kind.__module__
    public = ".".join(part for part in module.split(".") if not part.startswith("_"))
    type_name = (
        kind.__qualname__ if module in ("builtins", "__main__") else f"{public.split('.')[0]}.{kind.__qualname__}"
    )
    return {"name": name, "type": type_name, "summary": summary(value)}


def about(values: Iterable[Any]) -> Dict[str, str]:
    """The kind that all of them are, in KFP's words, and of models the framework; nothing where they are of several, or of none."""
    found = {_kind(value) for value in values}
    kind, library = found.pop() if len(found) == 1 else ("", "")
    return {"kind": kind, **({"framework": library} if kind == "Model" else {})} if kind else {}


def _kind(value: Any) -> Tuple[str, str]:
    for base in type(value).__mro__:
        library = base.__module__.partition(".")[0]
        kind = KINDS.get(f"{library}.{base.__qualname__}")
        if kind:
            return kind, library
    return "", ""


def summary(value: Any) -> str:
    """Size or value; empty where neither is known without running the user's code at length."""
    kind = type(value)
    if value is None or kind in (bool, int, float, complex):
        return _short(value)
    if kind in (str, bytes):
        return _short(value) if len(value) < LONGEST else f"{len(value)} {'characters' if kind is str else 'bytes'}"
    if kind in (list, tuple, set, frozenset, dict):
        if len(value) <= 5 and all(
            type(item) in (bool, int, float, str, type(None)) for item in (value.values() if kind is dict else value)
        ):
            text = _short(value)
            if len(text) < LONGEST:
                return text
        return f"{len(value)} {'item' if len(value) == 1 else 'items'}"
    module = kind.__module__.partition(".")[0]
    try:
        if module == "pandas" and kind.__name__ == "DataFrame":
            return f"{value.shape[0]} rows × {value.shape[1]} columns"
        if (
            hasattr(kind, "shape")
            and hasattr(kind, "dtype")
            and module in ("numpy", "pandas", "torch", "cupy", "jax", "polars")
        ):
            return f"{tuple(value.shape)} {value.dtype}" if tuple(value.shape) else _short(value)
        if module in ("polars", "pyarrow", "scipy") and hasattr(value, "shape"):
            return " × ".join(str(size) for size in value.shape)
    except Exception:  # a summary is never worth failing a step
        pass
    return ""


def _short(value: Any) -> str:
    try:
        text = repr(value)
    except ValueError:  # an integer too long for Python to print
        return ""
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"
