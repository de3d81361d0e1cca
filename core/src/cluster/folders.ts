// Where a run in a cluster keeps what: one volume, mounted at the same place in every step's pod. Whoever fills or reads the volume from
// outside goes by these paths.

/** Where the run's volume is mounted. */
export const volumeFolder = '/sluice';

/** The notebook's folder, in which steps run. */
export const workspaceFolder = `${volumeFolder}/workspace`;

/** Where packages are installed that steps bring: once for all of them, and kept for runs that work on a copy of the volume. */
export const environmentsFolder = `${volumeFolder}/environments`;

/**
 * A volume that was the notebook's before it became the run's has files of its own at its root; what the run needs besides is in this folder
 * of it, which is what is mounted then.
 */
export const runFolder = '.sluice-run';
