// Notebooks of any length as data scientists write them: cells that load, define, transform, fit and draw. Each cell differs from all
// others, so that nothing is read once and then known. Steps follow each other by tags as well, for Kale sees no edge without them.

const bodies = [
  n => `import numpy as np\nimport pandas as pd\nframe_${n} = pd.read_csv('data_${n}.csv')\nframe_${n}.head()`,
  n =>
    `def clean_${n}(frame, columns=("a", "b")):\n    kept = frame.dropna(subset=list(columns))\n    for column in columns:\n        kept[column] = kept[column].map(lambda value: value * ${n})\n    return kept`,
  n =>
    `table_${n} = clean_${n - 1}(frame_${n - 2})\ntable_${n}["sum"] = table_${n}["a"] + table_${n}["b"]\nX_${n}, y_${n} = table_${n}[["a", "b"]], table_${n}["sum"]`,
  n =>
    `from sklearn.ensemble import RandomForestClassifier\nfrom sklearn.linear_model import LogisticRegression\nmodels_${n} = [("forest", RandomForestClassifier(random_state=0)), ("linear", LogisticRegression())]\nscores_${n} = {}\nfor name, model in models_${n}:\n    model.fit(X_${n - 1}, y_${n - 1})\n    scores_${n}[name] = model.score(X_${n - 1}, y_${n - 1})`,
  n =>
    `import matplotlib.pyplot as plt\nfig, axes = plt.subplots(1, 2)\nfor ax, (name, model) in zip(axes, models_${n - 1}):\n    ax.plot(model.predict_proba(X_${n - 2})[:, 0], label=name)\n    ax.set_title(f"{name}: {scores_${n - 1}[name]:.2f}")\nplt.show()`
];

/** As nbformat 4; every `cellsPerStep` cells are a step. */
export function notebookOf(count, cellsPerStep = 5) {
  const tags = index => [`step:s${index}`, ...(index === 0 ? [] : [`prev:s${index - cellsPerStep}`])];
  const cells = Array.from({ length: count }, (_, index) => ({
    cell_type: 'code',
    id: `c${index}`,
    execution_count: null,
    outputs: [],
    metadata: { tags: index % cellsPerStep === 0 ? tags(index) : [] },
    source: bodies[index % bodies.length](index)
  }));
  const kernelspec = { name: 'python3', display_name: 'Python 3', language: 'python' };
  return { cells, metadata: { kernelspec }, nbformat: 4, nbformat_minor: 5 };
}

/** The notebook with its middle cell changed. */
export function edited(notebook, pass) {
  const middle = notebook.cells.length >> 1;
  const cells = notebook.cells.map((cell, index) =>
    index === middle ? { ...cell, source: `${cell.source}\nedited = ${pass}` } : cell
  );
  return { ...notebook, cells };
}
