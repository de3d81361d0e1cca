// The tests against a real Kubernetes. They are not among `npx jest`’s: scripts/test_cluster starts the cluster and then runs these.
import config from '../../jest.config.mjs';

const { transform, moduleNameMapper, modulePathIgnorePatterns } = config.projects[1];
export default {
  rootDir: '../..',
  displayName: 'cluster',
  testMatch: ['<rootDir>/tests/cluster/**/*.test.ts'],
  transform,
  moduleNameMapper,
  modulePathIgnorePatterns,
  transformIgnorePatterns: [],
  setupFilesAfterEnv: ['<rootDir>/tests/cluster/retries.ts'],
  testTimeout: 120_000,
  maxWorkers: 2,
  forceExit: true // the client keeps its connections open for a while
};
