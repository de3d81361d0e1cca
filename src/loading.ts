// Going on in the notebook from where a step of a run ended: the values that the notebook would have there are bound in its live kernel. The
// server writes the Python source that does it; the kernel runs it like any cell, but leaves no trace in the notebook.
import type { ISessionContext } from '@jupyterlab/apputils';
import type { KernelMessage } from '@jupyterlab/services';
import type { RunSummary } from '@sluice/core';
import type { Client } from './client';
import type { Notice } from './notice';
import type { PipelineModel } from './pipelineModel';
import { Printed } from './printed';
import { joinNames } from './stepFlows';

export interface LoadOptions {
  readonly client: Client;
  readonly dialogs: ISessionContext.IDialogs;
  /** whether to wait for a kernel that is busy; false: leave it */
  readonly askToWait: () => Promise<boolean>;
}

export async function loadValues(
  pipeline: PipelineModel,
  run: RunSummary,
  step: string,
  options: LoadOptions
): Promise<void> {
  const { trans, notices } = pipeline;
  const say = (notice: Notice): void => {
    if (!pipeline.isDisposed) notices.say(notice);
  };
  try {
    const { sessionContext } = pipeline.panel;
    if (!(await haveKernel(sessionContext, options.dialogs))) {
      say({
        kind: 'failed',
        text: trans.__('Nothing was loaded, since the notebook has no kernel. Choose one first.')
      });
      return;
    }
    if (isBusy(sessionContext) && !(await options.askToWait())) return;
    const text = trans.__('Loading the values after ‘%1’ of run %2 into the kernel …', step, run.number);
    say({ kind: 'running', text });
    const { source, names, missing } = await options.client.getStepSource(run.id, step);
    const problem = await execute(sessionContext, source);
    if (problem) {
      const failed = trans.__('The values after ‘%1’ of run %2 could not be loaded.', step, run.number);
      say({ kind: 'failed', text: failed, detail: problem });
    } else {
      say({
        kind: 'succeeded',
        text: describeLoaded(names, step, run, pipeline),
        ...describeMissing(missing, pipeline)
      });
    }
  } catch (error) {
    say({ kind: 'failed', text: error instanceof Error ? error.message : String(error) });
  }
}

const shownNames = 6;

function describeLoaded(names: readonly string[], step: string, run: RunSummary, { trans }: PipelineModel): string {
  if (names.length === 0) return trans.__('Step ‘%1’ of run %2 leaves no values to load.', step, run.number);
  const rest = names.length - shownNames;
  const listed = rest > 1 ? [...names.slice(0, shownNames), trans.__('%1 more', rest)] : names;
  return trans.__(
    'The kernel now has %1, as they were after ‘%2’ in run %3.',
    joinNames(listed, trans),
    step,
    run.number
  );
}

function describeMissing(names: readonly string[], { trans }: PipelineModel): Pick<Notice, 'detail'> {
  if (names.length === 0) return {};
  return { detail: trans.__('Not kept, as no later step used it: %1.', joinNames(names, trans)) };
}

/** A kernel as the notebook asks for; people choose one where it asks for none. */
async function haveKernel(context: ISessionContext, dialogs: ISessionContext.IDialogs): Promise<boolean> {
  await context.ready;
  if (!context.session?.kernel && (await context.startKernel())) await dialogs.selectKernel(context);
  return !!context.session?.kernel;
}

function isBusy({ session }: ISessionContext): boolean {
  return session?.kernel?.status === 'busy';
}

/** Undefined where all went well, else what went wrong in Python’s words. */
async function execute({ session }: ISessionContext, code: string): Promise<string | undefined> {
  const future = session!.kernel!.requestExecute({ code, store_history: false, stop_on_error: false });
  const printed = new Printed();
  future.onIOPub = (message: KernelMessage.IIOPubMessage): void => {
    if (message.header.msg_type === 'stream') printed.write((message as KernelMessage.IStreamMsg).content.text);
  };
  const { content } = await future.done;
  if (content.status === 'ok') return undefined;
  return content.status === 'error' ? `${content.ename}: ${content.evalue}` : printed.lastLine || content.status;
}
