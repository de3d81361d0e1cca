// What a step asks for is set in the panel, checked where it is typed, written into the notebook, and taken along when the step is renamed.
import { expect, test } from './fixtures';
import { chain } from './notebooks';

test('a step’s settings are typed, refused, undone and kept under its new name', async ({ page, sluice }) => {
  await sluice.open(chain);
  const written = () =>
    page.evaluate(() => {
      const panel = window.jupyterapp.shell.currentWidget as unknown as {
        readonly model: { getMetadata(key: string): unknown };
      };
      return panel.model.getMetadata('sluice');
    });
  await sluice.chip('add').getByRole('button').click();
  await page.getByRole('menuitem', { name: 'Settings of the Step…' }).click();
  const form = sluice.step('add');
  const memory = form.getByRole('textbox', { name: 'Memory', exact: true });
  await expect(form.getByRole('textbox').first()).toBeFocused();
  await memory.fill('4 GB');
  await expect(form.getByRole('status')).toContainText('it must be a quantity such as ‘500m’ or ‘4Gi’');
  await memory.press('Tab');
  expect(await written()).toBeUndefined();
  await memory.fill('4Gi');
  await memory.press('Enter');
  await form.getByRole('textbox', { name: 'Variables' }).fill('LEVEL=3');
  await form.getByRole('checkbox', { name: 'Use cache' }).uncheck();
  const secrets = form.getByRole('textbox', { name: 'Secrets', exact: true });
  await secrets.fill('TOKEN=db');
  await expect(form.getByRole('status')).toContainText(
    '‘TOKEN=db’ cannot be read. Write it like TOKEN=my-secret/token'
  );
  await secrets.fill('TOKEN=db/token');
  await form.getByRole('combobox', { name: 'Pull policy' }).selectOption('Always');
  const security = form.getByRole('textbox', { name: 'Security' });
  await security.fill('runAsUser: 1000\n runAsGroup: 1');
  await expect(form.getByRole('status')).toContainText('This cannot be read as YAML. Line 2: ');
  await security.fill('securityContext:\n  runAsUser: 1000');
  await form.getByRole('textbox', { name: 'Affinity' }).fill('podAntiAffinty: {}');
  await expect(form.getByRole('status')).toContainText('Did you mean ‘podAntiAffinity’?');
  await page.keyboard.press('Escape');
  await form.getByRole('textbox', { name: 'Volumes' }).fill('claim/raw:/data:ro');
  await form.getByRole('textbox', { name: 'Tolerations' }).fill('gpu=yes:NoSchedule');
  await form.getByRole('textbox', { name: 'Labels' }).focus();
  const others = {
    memory: '4Gi',
    env: { LEVEL: '3' },
    cache: false,
    secrets: [{ name: 'db', key: 'token', env: 'TOKEN' }],
    image_pull_policy: 'Always',
    security_context: { runAsUser: 1000 },
    volumes: [{ pvc_name: 'claim', path: '/data', sub_path: 'raw', read_only: true }]
  };
  const settings = {
    ...others,
    tolerations: [{ key: 'gpu', operator: 'Equal', value: 'yes', effect: 'NoSchedule' }]
  };
  expect(await written()).toEqual({ version: 1, steps: { add: settings } });
  expect(await sluice.seriousFaults()).toEqual([]);
  await sluice.picture('step-settings');

  await sluice.step('add').press('F2');
  await sluice.panel.getByRole('textbox', { name: 'New name of step add' }).fill('sum');
  await page.keyboard.press('Enter');
  await expect(sluice.step('sum')).toBeFocused();
  expect(await written()).toEqual({ version: 1, steps: { sum: settings } });
  await expect(sluice.diagnostics).toHaveCount(0);
  await page.keyboard.press('Control+Z');
  await page.keyboard.press('Control+Z');
  await expect(sluice.step('add')).toBeVisible();
  expect(await written()).toEqual({ version: 1, steps: { add: others } });

  // What all steps have shows through where a step has nothing of its own.
  await sluice.panel.getByRole('button', { name: 'Settings', exact: true }).click();
  await sluice.panel.getByRole('textbox', { name: 'Retries' }).last().fill('2');
  await page.keyboard.press('Enter');
  await sluice.step('load').press('ArrowRight');
  await sluice.step('load').getByRole('button', { name: 'Settings of load' }).click();
  await expect(sluice.step('load').getByRole('textbox', { name: 'Retries' })).toHaveAttribute('placeholder', '2');
});
