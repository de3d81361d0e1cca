// The extension's plugins. They only wire: models, views and commands are each in a module of their own.
import { ILabShell, ILayoutRestorer, type JupyterFrontEnd, type JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ICommandPalette, ISessionContextDialogs, SessionContextDialogs } from '@jupyterlab/apputils';
import { IEditorExtensionRegistry, IEditorLanguageRegistry } from '@jupyterlab/codemirror';
import { IFileBrowserFactory } from '@jupyterlab/filebrowser';
import { INotebookTracker } from '@jupyterlab/notebook';
import { ISettingRegistry } from '@jupyterlab/settingregistry';
import { ITranslator } from '@jupyterlab/translation';
import { CellBars } from './cells/bars';
import { addMarksExtension, EditorMarks } from './cells/marks';
import { Client } from './client';
import { addCommands, paletteCommands } from './commands';
import { addExportCommand } from './exporting';
import { addImportCommands } from './importing';
import { Notifier } from './notifying';
import { createOutputs, openedOutputsId } from './outputs';
import { SluicePanel } from './panel/widget';
import { addPastCommands } from './pastCommands';
import type { PipelineModel } from './pipelineModel';
import { Pipelines } from './pipelines';
import { RunnersModel } from './runners';
import { SnapshotDrive } from './snapshotDrive';
import { IPipelines } from './tokens';

const pipelinesPlugin: JupyterFrontEndPlugin<Pipelines> = {
  id: 'jupyterlab-sluice:pipelines',
  description: 'Keeps the pipelines of the open notebooks: their steps, what is wrong with them, and their runs.',
  autoStart: true,
  provides: IPipelines,
  requires: [INotebookTracker, ITranslator],
  activate: (app: JupyterFrontEnd, tracker: INotebookTracker, translator: ITranslator) => {
    const { serverSettings, contents } = app.serviceManager;
    const trans = translator.load('jupyterlab_sluice');
    return new Pipelines(tracker, new Client(trans, serverSettings), contents, trans);
  }
};

const mainPlugin: JupyterFrontEndPlugin<void> = {
  id: 'jupyterlab-sluice:plugin',
  description: 'The Sluice panel, the bars on cells, and the commands.',
  autoStart: true,
  requires: [IPipelines, ITranslator, IEditorLanguageRegistry],
  optional: [
    ISettingRegistry,
    ILabShell,
    ILayoutRestorer,
    ICommandPalette,
    ISessionContextDialogs,
    IFileBrowserFactory
  ],
  activate: (
    app: JupyterFrontEnd,
    pipelines: Pipelines,
    translator: ITranslator,
    languages: IEditorLanguageRegistry,
    settings: ISettingRegistry | null,
    labShell: ILabShell | null,
    restorer: ILayoutRestorer | null,
    palette: ICommandPalette | null,
    sessionDialogs: ISessionContextDialogs | null,
    browsers: IFileBrowserFactory | null
  ) => {
    const { commands, shell } = app;
    const trans = translator.load('jupyterlab_sluice');
    const client = new Client(trans, app.serviceManager.serverSettings);
    const notifier = new Notifier(trans, ({ panel: { id } }) => shell.activateById(id));
    const panel = new SluicePanel({ pipelines, commands, client, trans, notifier, runners: new RunnersModel(client) });
    // Notebook 7 has no left area that is open to others.
    shell.add(panel, labShell ? 'left' : 'right', { rank: 600, type: 'Sluice' });
    restorer?.add(panel, panel.id);

    const bars = new Map<PipelineModel, CellBars>();
    let areBarsShown = true;
    const add = (pipeline: PipelineModel): void => {
      const own = new CellBars(pipeline, commands);
      bars.set(pipeline, own);
      notifier.watch(pipeline);
      own.areShown = areBarsShown;
      pipeline.panel.disposed.connect(() => {
        own.dispose();
        bars.delete(pipeline);
      });
    };
    for (const pipeline of pipelines.all()) add(pipeline);
    pipelines.added.connect((_, pipeline) => add(pipeline));
    setInterval(() => bars.forEach(own => own.tick()), 1000);

    addCommands({
      commands,
      pipelines,
      trans,
      editName: (pipeline, cell) => bars.get(pipeline)?.editName(cell),
      showPanel: () => {
        shell.activateById(panel.id);
        panel.node.focus();
      },
      openOutputs: (pipeline, run, step) => {
        const id = openedOutputsId(run.id, step);
        if (![...shell.widgets('main')].some(widget => widget.id === id)) {
          const { rendermime } = pipeline.panel.content;
          const isTrusted = pipeline.areOutputsTrusted(run.id);
          const outputs = createOutputs({ client, rendermime, languages, run, step, isTrusted, trans });
          shell.add(outputs, 'main', { mode: 'split-right' });
        }
        shell.activateById(id);
      }
    });
    const drive = new SnapshotDrive(client, trans);
    app.serviceManager.contents.addDrive(drive);
    const dialogs = sessionDialogs ?? new SessionContextDialogs({ translator });
    addPastCommands({ commands, pipelines, client, drive, dialogs, trans });
    const { contents } = app.serviceManager;
    addImportCommands({ commands, pipelines, contents, browsers, trans });
    addExportCommand({ commands, pipelines, client, contents, trans });
    for (const command of paletteCommands)
      palette?.addItem({ command, category: trans.__('Sluice'), args: { isMenu: true } });

    const applySettings = (loaded: ISettingRegistry.ISettings): void => {
      panel.maxRunsShown = loaded.get('maxRunsShown').composite as number;
      areBarsShown = loaded.get('showCellBars').composite as boolean;
      for (const own of bars.values()) own.areShown = areBarsShown;
    };
    void settings?.load(mainPlugin.id).then(loaded => {
      notifier.use(loaded);
      loaded.changed.connect(applySettings);
      applySettings(loaded);
    });
  }
};

const marksPlugin: JupyterFrontEndPlugin<void> = {
  id: 'jupyterlab-sluice:marks',
  description: 'Underlines in the cells what is wrong with the pipeline.',
  autoStart: true,
  requires: [IPipelines, IEditorExtensionRegistry],
  activate: (_: JupyterFrontEnd, pipelines: Pipelines, extensions: IEditorExtensionRegistry) => {
    addMarksExtension(extensions);
    const add = (pipeline: PipelineModel): void => {
      const marks = new EditorMarks(pipeline);
      pipeline.panel.disposed.connect(() => marks.dispose());
    };
    for (const pipeline of pipelines.all()) add(pipeline);
    pipelines.added.connect((__, pipeline) => add(pipeline));
  }
};

export default [pipelinesPlugin, mainPlugin, marksPlugin];
