import { Agent, request } from 'node:https';
import type { LabVcenter } from './vcenter.ts';

/** A server to speak to: the lab's vCenter, or another. */
export type TestServer = Pick<LabVcenter, 'origin' | 'username' | 'password'>;

export interface Reply {
  status: number;
  headers: Readonly<Record<string, string | string[] | undefined>>;
  body: Buffer;
}

/** The least of a client that tests of the vCenter need: bodies are written and read as text. */
export class TestClient implements Disposable {
  readonly #vcenter: TestServer;
  readonly #agent = new Agent({ keepAlive: true, rejectUnauthorized: false });
  cookie = '';

  constructor(vcenter: TestServer) {
    this.#vcenter = vcenter;
  }

  static async login(vcenter: TestServer): Promise<TestClient> {
    const client = new TestClient(vcenter);
    await client.login();
    return client;
  }

  async login(): Promise<void> {
    const { username, password } = this.#vcenter;
    await this.call(
      'Login',
      'SessionManager:SessionManager',
      `<userName>${username}</userName><password>${password}</password>`,
    );
  }

  [Symbol.dispose](): void {
    this.#agent.destroy();
  }

  /** Sends a request and answers the whole reply. Rejects when the connection breaks. */
  send(path: string, headers: Record<string, string> = {}, body?: string, method?: string): Promise<Reply> {
    const { promise, resolve, reject } = Promise.withResolvers<Reply>();
    const options = {
      agent: this.#agent,
      method: method ?? (body === undefined ? 'GET' : 'POST'),
      headers: { ...(this.cookie !== '' && { cookie: this.cookie }), ...headers },
    };
    const sent = request(new URL(path, this.#vcenter.origin), options, (reply) => {
      const pieces: Buffer[] = [];
      reply.on('data', (piece: Buffer) => pieces.push(piece));
      reply.on('error', reject);
      reply.on('end', () => {
        if (reply.complete)
          resolve({ status: reply.statusCode ?? 0, headers: reply.headers, body: Buffer.concat(pieces) });
        else reject(new Error('the reply is incomplete'));
      });
    });
    sent.on('error', reject);
    sent.end(body);
    return promise;
  }

  /**
   * Calls a method of `Type:value` and answers what is within the response element.
   * @throws Error named after the fault
   */
  async call(method: string, target: string, args = ''): Promise<string> {
    const [type, ...value] = target.split(':');
    const body = `<?xml version="1.0"?><e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><e:Body><${method} xmlns="urn:vim25"><_this type="${type}">${value.join(':')}</_this>${args}</${method}></e:Body></e:Envelope>`;
    const reply = await this.send('/sdk', { 'content-type': 'text/xml' }, body);
    const cookie = reply.headers['set-cookie']?.[0];
    if (cookie !== undefined) this.cookie = cookie.split(';')[0] ?? '';
    const answer = reply.body.toString();
    const fault = /<detail><(\w+)Fault/.exec(answer)?.[1];
    if (fault !== undefined || reply.status !== 200) {
      const error = new Error(answer);
      error.name = fault ?? `HTTP ${reply.status}`;
      throw error;
    }
    return new RegExp(`<${method}Response[^>]*>(.*)</${method}Response>`, 's').exec(answer)?.[1] ?? '';
  }

  /** Properties of all objects of a type, or of one object given as `Type:value`; the answer's XML. */
  async properties(of: string, paths: readonly string[] | 'all'): Promise<string> {
    const [type, ...value] = of.split(':');
    const wanted =
      paths === 'all' ? '<all>true</all>' : paths.map((path) => `<pathSet>${path}</pathSet>`).join('');
    const propSet = `<propSet><type>${type}</type>${wanted}</propSet>`;
    if (value.length > 0) {
      const set = `<specSet>${propSet}<objectSet><obj type="${type}">${value.join(':')}</obj></objectSet></specSet>`;
      return this.call('RetrieveProperties', 'PropertyCollector:propertyCollector', set);
    }
    const content = await this.call('RetrieveServiceContent', 'ServiceInstance:ServiceInstance');
    const root = valueIn(content, 'rootFolder');
    const made = await this.call(
      'CreateContainerView',
      'ViewManager:ViewManager',
      `<container type="Folder">${root}</container><type>${type}</type><recursive>true</recursive>`,
    );
    const view = valueIn(made, 'returnval');
    const traversal = `<selectSet xsi:type="TraversalSpec"><name>view</name><type>ContainerView</type><path>view</path></selectSet>`;
    const set = `<specSet>${propSet}<objectSet><obj type="ContainerView">${view}</obj><skip>true</skip>${traversal}</objectSet></specSet>`;
    return this.call('RetrieveProperties', 'PropertyCollector:propertyCollector', set);
  }

  /** Waits for a task's end by asking; answers its `info`, rejects with the fault's name. */
  async task(answer: string): Promise<string> {
    for (;;) {
      const info = await this.properties(`Task:${valueIn(answer, 'returnval')}`, ['info']);
      const state = valueIn(info, 'state');
      if (state === 'success') return info;
      if (state === 'error') {
        const error = new Error(info);
        error.name = /<fault xsi:type="(\w+)"/.exec(info)?.[1] ?? 'unknown';
        throw error;
      }
    }
  }
}

/** Text of the first element of that name. */
export function valueIn(xml: string, element: string): string {
  return new RegExp(`<${element}(?: [^>]*)?>([^<]*)</${element}>`).exec(xml)?.[1] ?? '';
}

/** Texts of all elements of that name. */
export function valuesIn(xml: string, element: string): string[] {
  return [...xml.matchAll(new RegExp(`<${element}(?: [^>]*)?>([^<]*)</${element}>`, 'g'))].map(
    (found) => found[1] ?? '',
  );
}
