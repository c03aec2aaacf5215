import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { type ConsoleApp, consoleTestsLack, type Desk, startDesk } from './consoleApp.ts';

const root = join(import.meta.dirname, '..', '..', '..');
const lacking = consoleTestsLack ? ` (lacks ${consoleTestsLack})` : '';

const Preferences = z.object({
  nodeIntegration: z.boolean(),
  nodeIntegrationInWorker: z.boolean().default(false),
  nodeIntegrationInSubFrames: z.boolean().default(false),
  contextIsolation: z.boolean(),
  sandbox: z.boolean(),
  webSecurity: z.boolean(),
  allowRunningInsecureContent: z.boolean().default(false),
  experimentalFeatures: z.boolean().default(false),
  enableBlinkFeatures: z.string().default(''),
  webviewTag: z.boolean().default(false),
});

/** The numbers are those of https://www.electronjs.org/docs/latest/tutorial/security. */
describe.skipIf(consoleTestsLack)(`the security checklist of Electron${lacking}`, () => {
  let desk: Desk;
  let app: ConsoleApp;
  /** Where a page could be lured to, and who came. */
  let elsewhere: Server;
  let url: string;
  let visits: string[];

  /** Runs a script in the page's own world. */
  const inPage = (script: string): Promise<unknown> => app.page.evaluate(script);
  /** What the window was made with. Electron's own tests ask so; its types do not know it. */
  const preferences = async () =>
    Preferences.parse(
      await app.inMain(({ BrowserWindow }) =>
        Object(BrowserWindow.getAllWindows()[0]?.webContents).getLastWebPreferences(),
      ),
    );
  const countWindows = () => app.inMain(({ BrowserWindow }) => BrowserWindow.getAllWindows().length);

  beforeAll(async () => {
    elsewhere = createServer((request, response) => {
      visits.push(request.url ?? '');
      response.setHeader('access-control-allow-origin', '*');
      response.end('<title>elsewhere</title>');
    }).listen(0, '127.0.0.1');
    await once(elsewhere, 'listening');
    const { port } = z.object({ port: z.number() }).parse(elsewhere.address());
    url = `http://127.0.0.1:${port}`;
    desk = await startDesk();
    app = await desk.launch();
    await app.page.getByRole('heading', { level: 1 }).first().waitFor();
  }, 60_000);
  beforeEach(() => {
    visits = [];
  });
  afterAll(async () => {
    await desk?.[Symbol.asyncDispose]();
    elsewhere?.closeAllConnections();
    elsewhere?.close();
  });

  it('1: loads only what the app brings', async () => {
    const requests: string[] = [];
    app.page.on('request', (request) => requests.push(request.url()));
    await app.page.reload();
    await app.page.getByRole('heading', { level: 1 }).first().waitFor();
    expect(requests.length).toBeGreaterThan(2);
    expect(requests.filter((each) => !each.startsWith('app://console/'))).toEqual([]);
  });

  it('2: has no Node.js in the page', async () => {
    expect(await preferences()).toMatchObject({
      nodeIntegration: false,
      nodeIntegrationInWorker: false,
      nodeIntegrationInSubFrames: false,
    });
    expect(await inPage('[typeof require, typeof process, typeof module, typeof Buffer].join()')).toBe(
      'undefined,undefined,undefined,undefined',
    );
  });

  it('3: isolates the preload script from the page', async () => {
    expect(await preferences()).toMatchObject({ contextIsolation: true });
    expect(await inPage('typeof ipcRenderer + typeof contextBridge')).toBe('undefinedundefined');
  });

  it('4: sandboxes the page', async () => {
    expect(await preferences()).toMatchObject({ sandbox: true });
  });

  it('5: denies every permission', async () => {
    const answers = await inPage(`(async () => {
      const asked = {};
      for (const name of ['geolocation', 'notifications', 'camera', 'microphone', 'midi', 'clipboard-read', 'persistent-storage'])
        asked[name] = (await navigator.permissions.query({ name })).state;
      asked.Notification = await Notification.requestPermission();
      asked.camera = await navigator.mediaDevices.getUserMedia({ video: true }).then(() => 'granted', () => 'denied');
      asked.clipboard = await navigator.clipboard.readText().then(() => 'granted', () => 'denied');
      return asked;
    })()`);
    const denied = z.record(z.string(), z.literal('denied'));
    expect(denied.safeParse(answers).error).toBeUndefined();
  });

  it('6, 8, 9, 10: leaves the web’s own protections on', async () => {
    expect(await preferences()).toMatchObject({
      webSecurity: true,
      allowRunningInsecureContent: false,
      experimentalFeatures: false,
      enableBlinkFeatures: '',
    });
  });

  it('7: has a content security policy that stops inline scripts, eval and whatever is remote', async () => {
    const policy = await inPage(`fetch('/').then((reply) => reply.headers.get('content-security-policy'))`);
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("script-src 'self'");
    expect(policy).not.toMatch(/unsafe-eval|script-src[^;]*unsafe-inline|https?:|\*/);

    // In a task of the page: what the debugger evaluates may use eval.
    const violated = await inPage(`new Promise((resolve) => setTimeout(async () => {
      const violated = [];
      document.addEventListener('securitypolicyviolation', (event) => violated.push(event.effectiveDirective));
      const add = (name, properties) => document.body.append(Object.assign(document.createElement(name), properties));
      add('script', { textContent: 'window.inlineRan = true' });
      add('script', { src: '${url}/script.js' });
      add('img', { src: '${url}/image.png' });
      add('iframe', { src: '${url}/frame' });
      await fetch('${url}/fetch').catch(() => undefined);
      let evalRan = true;
      try { (0, eval)('1'); } catch { evalRan = false; }
      setTimeout(() => resolve({ violated: [...new Set(violated)].sort(), evalRan, inlineRan: window.inlineRan ?? false }), 200);
    }))`);
    expect(violated).toEqual({
      violated: expect.arrayContaining([
        'connect-src',
        'frame-src',
        'img-src',
        'script-src',
        'script-src-elem',
      ]),
      evalRan: false,
      inlineRan: false,
    });
    expect(visits).toEqual([]);
  });

  it('11, 12: has no webview', async () => {
    expect(await preferences()).toMatchObject({ webviewTag: false });
    await inPage(
      `document.body.append(Object.assign(document.createElement('webview'), { src: '${url}/webview' }))`,
    );
    expect(await inPage(`'getWebContentsId' in document.querySelector('webview')`)).toBe(false);
    expect(visits).toEqual([]);
  });

  it('13: does not navigate away', async () => {
    const before = app.page.url();
    for (const target of [
      url,
      'file:///etc/passwd',
      'data:text/html,x',
      'app://other/',
      'https://app.invalid/',
    ]) {
      await inPage(`void (location.href = '${target}')`);
      await inPage(`{
        const link = Object.assign(document.createElement('a'), { href: '${target}' });
        document.body.append(link);
        link.click();
        link.remove();
      }`);
    }
    await inPage('new Promise((resolve) => setTimeout(resolve, 200))');
    expect(app.page.url()).toBe(before);
    expect(await inPage('document.title')).toContain('OSSEA Migrate');
    expect(visits).toEqual([]);
  });

  it('14: opens no window', async () => {
    expect(await inPage(`window.open('${url}/window') === null`)).toBe(true);
    expect(await inPage(`window.open('/overview') === null`)).toBe(true);
    await inPage(`{
      const link = Object.assign(document.createElement('a'), { href: '${url}/blank', target: '_blank' });
      document.body.append(link);
      link.click();
      link.remove();
    }`);
    expect(await countWindows()).toBe(1);
    expect(visits).toEqual([]);
  });

  it('15: opens nothing outside that the page names', async () => {
    await app.inMain(({ shell }) => {
      const opened: string[] = [];
      Object.assign(globalThis, { opened });
      shell.openExternal = async (target) => void opened.push(target);
    });
    expect(await inPage(`ossea.invoke('help.open', { topic: '${url}' })`)).toMatchObject({
      ok: false,
      problem: { code: 'request.invalid' },
    });
    expect(await inPage(`ossea.invoke('help.open', { topic: 'documentation' })`)).toMatchObject({ ok: true });
    const opened = await app.inMain(() => Object.entries(globalThis).find(([name]) => name === 'opened'));
    expect(opened?.[1]).toEqual(['https://github.com/ossea/ossea-migrate#readme']);
  });

  it('16: is built for a current major of Electron', async () => {
    const manifest = z
      .object({ devDependencies: z.object({ electron: z.string() }) })
      .parse(JSON.parse(await readFile(join(root, 'package.json'), 'utf8')));
    expect(Number(/\d+/.exec(manifest.devDependencies.electron)?.[0])).toBeGreaterThanOrEqual(45);
  });

  it('17: answers only its own page', async () => {
    expect(await inPage(`ossea.invoke('app.info')`)).toMatchObject({ ok: true });
    const strangers = await app.inMain(
      async ({ BrowserWindow }, { preload, addresses }) => {
        const answers: unknown[] = [];
        for (const address of addresses) {
          const window = new BrowserWindow({ show: false, webPreferences: { preload, sandbox: true } });
          await window.loadURL(address);
          answers.push(await window.webContents.executeJavaScript(`ossea.invoke('profiles.list')`));
          window.destroy();
        }
        return answers;
      },
      {
        preload: join(root, 'dist', 'preload', 'preload.cjs'),
        addresses: ['data:text/html,stranger', `${url}/stranger`],
      },
    );
    const refused = { ok: false, problem: expect.objectContaining({ code: 'auth.forbidden' }) };
    expect(strangers).toEqual([refused, refused]);
  });

  it('17: refuses what the contract does not know', async () => {
    for (const [channel, request, code] of [
      ['no.such.channel', {}, 'request.not-found'],
      ['constructor', {}, 'request.not-found'],
      ['__proto__', {}, 'request.not-found'],
      ['profiles.get', { id: '../../etc/passwd' }, 'request.invalid'],
      ['settings.update', { theme: 'pink' }, 'request.invalid'],
      ['file.save', { suggestedName: 1 }, 'request.invalid'],
    ]) {
      expect(
        await inPage(`ossea.invoke(${JSON.stringify(channel)}, ${JSON.stringify(request)})`),
        String(channel),
      ).toMatchObject({ ok: false, problem: { code } });
    }
  });

  it('18: serves its page over app://, and nothing beside its folder', async () => {
    expect(app.page.url()).toMatch(/^app:\/\/console\//);
    for (const path of [
      '/../package.json',
      '/%2e%2e/package.json',
      '/..%2f..%2fpackage.json',
      '/%00.js',
      '/%.js',
    ]) {
      const text = await inPage(
        `fetch(${JSON.stringify(path)}).then((reply) => reply.ok ? reply.text() : '', () => '')`,
      );
      expect(text, path).not.toContain('"name"');
    }
    expect(await inPage(`fetch('/', { method: 'POST' }).then((reply) => reply.status)`)).toBe(404);
    expect(await inPage(`fetch('file:///etc/passwd').then(() => 'read', () => 'refused')`)).toBe('refused');
  });

  it('20: gives the page two functions and nothing of Electron', async () => {
    expect(await inPage('Object.keys(ossea).sort().join()')).toBe('invoke,on');
    expect(
      await inPage(
        `Object.isFrozen(ossea) || (() => { try { ossea.invoke = 1 } catch {} return typeof ossea.invoke === 'function' })()`,
      ),
    ).toBe(true);
    const heard = await inPage(`new Promise((resolve) => {
      const stop = ossea.on('settings.changed', function (...all) { stop(); resolve(all.length + ' ' + all[0].theme); });
      void ossea.invoke('settings.update', { theme: 'dark' });
    })`);
    expect(heard, 'listeners get the payload, not the event with its sender').toBe('1 dark');
  });
});
