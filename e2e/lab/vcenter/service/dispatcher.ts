import { setTimeout as delay } from 'node:timers/promises';
import { collectorMethods } from '../methods/collectorMethods.ts';
import { exportMethods } from '../methods/exportMethods.ts';
import { inventoryMethods } from '../methods/inventoryMethods.ts';
import { sessionMethods } from '../methods/sessionMethods.ts';
import { snapshotMethods } from '../methods/snapshotMethods.ts';
import { vmMethods } from '../methods/vmMethods.ts';
import { notAuthenticated, notFound, notSupported, VimFault } from '../soap/fault.ts';
import { decodeRequest, RequestError, type SoapRequest } from '../soap/request.ts';
import { isA } from '../soap/vimSchema.ts';
import { writeElement } from '../soap/write.ts';
import { type Core, type Methods, requirePrivilege } from './core.ts';
import type { Session } from './sessions.ts';

const methods: Methods = {
  ...sessionMethods,
  ...collectorMethods,
  ...inventoryMethods,
  ...vmMethods,
  ...snapshotMethods,
  ...exportMethods,
};

/** What may be called before a login. */
const anonymous = new Set([
  'RetrieveServiceContent',
  'Login',
  'CloneSession',
  'RetrieveProperties',
  'RetrievePropertiesEx',
]);

export interface SoapAnswer {
  kind: 'answer';
  status: number;
  body: string;
  /** A session's cookie to set; empty to remove it. */
  cookie: string | undefined;
}

/** An answer, or that the connection is to be cut. */
export type SoapOutcome = SoapAnswer | { kind: 'reset' };

/** Answers one SOAP request. */
export async function dispatch(
  core: Core,
  body: string,
  sessionId: string | undefined,
  signal: AbortSignal,
): Promise<SoapOutcome> {
  let request: SoapRequest;
  try {
    request = decodeRequest(body);
  } catch (error) {
    if (!(error instanceof RequestError)) throw error;
    core.log.add('POST /sdk', '', error.kind);
    const fault = new VimFault('InvalidRequest', error.message);
    return { kind: 'answer', status: 500, body: envelope(fault.toXml()), cookie: undefined };
  }
  const { faults } = core.site;
  const name = request.method.name;
  const target = request.target.value;
  const struck = (outcome: string): void => core.log.add(name, target, outcome);
  if (faults.latencyMs > 0) await delay(faults.latencyMs);
  if (core.chances.strikes('soapReset', name)) {
    struck('reset');
    return { kind: 'reset' };
  }
  if (core.chances.strikes('soapUnavailable', name)) {
    struck('503');
    return { kind: 'answer', status: 503, body: 'Service Unavailable', cookie: undefined };
  }
  const { outcome, answer } = await invoke(core, request, sessionId, signal);
  if (core.chances.strikes('soapResetAfter', name)) {
    struck('reset');
    return { kind: 'reset' };
  }
  struck(outcome);
  return answer;
}

async function invoke(
  core: Core,
  request: SoapRequest,
  sessionId: string | undefined,
  signal: AbortSignal,
): Promise<{ outcome: string; answer: SoapAnswer }> {
  let cookie: string | undefined;
  try {
    const session = authenticate(core, request, sessionId);
    const { method, args } = request;
    const object = session?.find(request.target.value) ?? core.site.find(request.target.value);
    if (object === undefined || !isA(object.ref.type, request.target.type)) throw notFound(request.target);
    const handler = methods[method.name];
    if (handler === undefined) throw notSupported();
    if (method.privilege !== '') requirePrivilege(core, request.target, method.privilege);
    const setSession = (next: Session | undefined) => {
      cookie = next?.id ?? '';
    };
    const result = await handler({ core, session, target: object, args, signal, setSession });
    const returned = result === undefined ? '' : writeElement('returnval', result, method.result);
    const xml = envelope(`<${method.name}Response xmlns="urn:vim25">${returned}</${method.name}Response>`);
    return { outcome: 'ok', answer: { kind: 'answer', status: 200, body: xml, cookie } };
  } catch (error) {
    if (!(error instanceof VimFault)) throw error;
    return {
      outcome: error.name,
      answer: { kind: 'answer', status: 500, body: envelope(error.toXml()), cookie },
    };
  }
}

/** The session of a request; undefined where none is needed. Throws NotAuthenticated. */
function authenticate(core: Core, request: SoapRequest, sessionId: string | undefined): Session | undefined {
  const session = core.sessions.find(sessionId);
  const name = request.method.name;
  if (session !== undefined && name !== 'Logout') {
    if (core.chances.strikes('sessionExpires', name)) core.sessions.end(session);
    else core.sessions.count(session);
  }
  if (session !== undefined && core.sessions.isLive(session)) return session;
  if (anonymous.has(name)) return undefined;
  throw notAuthenticated(request.target);
}

function envelope(content: string): string {
  return `<?xml version="1.0" encoding="UTF-8"?>
<soapenv:Envelope xmlns:soapenc="http://schemas.xmlsoap.org/soap/encoding/" xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" xmlns:xsd="http://www.w3.org/2001/XMLSchema" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">
<soapenv:Body>
${content}
</soapenv:Body>
</soapenv:Envelope>`;
}
