// A cluster with all of its programs on two cores answers late at times: what fails is tried again, and what failed before is printed.
jest.retryTimes(2, { logErrorsBeforeRetry: true });
