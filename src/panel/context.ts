// What every part of the panel may need; handed down once.
import type { TranslationBundle } from '@jupyterlab/translation';
import type { CommandRegistry } from '@lumino/commands';
import * as React from 'react';
import type { Client } from '../client';
import type { Notifier } from '../notifying';
import type { PipelineModel } from '../pipelineModel';
import type { RunnersModel } from '../runners';

export interface PanelContext {
  readonly commands: CommandRegistry;
  readonly client: Client;
  readonly trans: TranslationBundle;
  readonly notifier: Notifier;
  readonly runners: RunnersModel;
  readonly pipeline: PipelineModel;
  readonly maxRunsShown: number;
}

const Context = React.createContext<PanelContext | undefined>(undefined);

export const PanelContextProvider = Context.Provider;

export function usePanel(): PanelContext {
  return React.useContext(Context)!;
}
