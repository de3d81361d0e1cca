// The panel: the pipeline of the notebook in front, from its name to its earlier runs, in one scrolling column.
import type { TranslationBundle } from '@jupyterlab/translation';
import { ReactWidget } from '@jupyterlab/ui-components';
import type { CommandRegistry } from '@lumino/commands';
import type { Message } from '@lumino/messaging';
import * as React from 'react';
import type { Client } from '../client';
import { showHistory } from '../history';
import { sluiceIcon } from '../icons';
import type { Notifier } from '../notifying';
import type { Pipelines } from '../pipelines';
import type { RunnersModel } from '../runners';
import { Announcer } from './announcer';
import { PanelContextProvider, type PanelContext } from './context';
import { Diagnostics } from './diagnostics';
import { EmptyState, NoNotebook } from './empty';
import { Header } from './header';
import { Metrics } from './metrics';
import { Parameters } from './parameters';
import { Runs } from './runs';
import { Settings } from './settings';
import { useSignal } from './signals';
import { Steps } from './steps';

const lookAgainMs = 10_000;

export interface SluicePanelOptions {
  readonly pipelines: Pipelines;
  readonly commands: CommandRegistry;
  readonly client: Client;
  readonly trans: TranslationBundle;
  readonly notifier: Notifier;
  readonly runners: RunnersModel;
}

export class SluicePanel extends ReactWidget {
  constructor(private readonly options: SluicePanelOptions) {
    super();
    this.id = 'sluice-panel';
    this.addClass('jp-Sluice');
    this.title.icon = sluiceIcon;
    this.title.caption = 'Sluice';
    this.node.tabIndex = 0;
    this.node.setAttribute('role', 'region');
    this.node.setAttribute('aria-label', 'Sluice');
  }

  set maxRunsShown(count: number) {
    this._maxRunsShown = count;
    this.update();
  }

  protected override render(): React.JSX.Element {
    return <PanelView {...this.options} maxRunsShown={this._maxRunsShown} node={this.node} />;
  }

  protected override onAfterShow(msg: Message): void {
    super.onAfterShow(msg);
    this.look();
    this._timer = setInterval(() => this.look(), lookAgainMs);
  }

  protected override onAfterHide(msg: Message): void {
    super.onAfterHide(msg);
    clearInterval(this._timer);
  }

  override dispose(): void {
    clearInterval(this._timer);
    super.dispose();
  }

  // Runs are started elsewhere, too: in a terminal, in another tab. One that is followed here tells of itself.
  private look(): void {
    const runs = this.options.pipelines.current?.runs;
    if (runs && !runs.active && document.visibilityState === 'visible') void runs.refresh();
  }

  private _maxRunsShown = 20;
  private _timer: ReturnType<typeof setInterval> | undefined;
}

interface PanelViewProps extends SluicePanelOptions {
  readonly maxRunsShown: number;
  readonly node: HTMLElement;
}

function PanelView({ pipelines, node, ...rest }: PanelViewProps): React.JSX.Element {
  useSignal(pipelines.currentChanged);
  const pipeline = pipelines.current;
  if (!pipeline) return <NoNotebook text={rest.trans.__('Open a notebook to see its steps here.')} />;
  return <PipelineView key={pipeline.panel.id} {...rest} pipeline={pipeline} node={node} />;
}

function PipelineView({ node, ...context }: PanelContext & { readonly node: HTMLElement }): React.JSX.Element {
  const { pipeline, trans } = context;
  useSignal(pipeline.stateChanged);
  useSignal(pipeline.runs.changed);
  showHistory(node, pipeline.history);
  if (pipeline.notebook.language !== undefined && pipeline.notebook.language !== 'python')
    return <NoNotebook text={trans.__('Sluice runs Python notebooks; this one is in another language.')} />;
  const isEmpty = pipeline.outline.steps.length === 0;
  return (
    <PanelContextProvider value={context}>
      <Header />
      {isEmpty ? <EmptyState /> : <Parameters />}
      {!isEmpty && <Steps />}
      <Diagnostics />
      <Metrics />
      {(!isEmpty || pipeline.runs.all.length > 0) && <Runs />}
      {!isEmpty && <Settings />}
      <Announcer />
    </PanelContextProvider>
  );
}
