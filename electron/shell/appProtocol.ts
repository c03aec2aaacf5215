import { readFile } from 'node:fs/promises';
import { extname, join, normalize, sep } from 'node:path';
import { protocol, type Session } from 'electron';

export const appOrigin = 'app://console';

/** Nothing remote, nothing inline but styles that the component library sets on elements. */
export const contentSecurityPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "font-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "object-src 'none'",
].join('; ');

const mediaTypes: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.woff2': 'font/woff2',
  '.json': 'application/json',
};

/** Scripts and styles of the page's document. */
const named = /(?:src|href)="(\/assets\/[^"]+)"/g;

/** Must be called before the app is ready. */
export function declareAppProtocol(): void {
  protocol.registerSchemesAsPrivileged([
    {
      scheme: 'app',
      // What V8 made of the page's scripts is kept for the next start.
      privileges: { standard: true, secure: true, supportFetchAPI: true, codeCache: true },
    },
  ]);
}

/**
 * Serves `app://console/…` out of one folder; everything that is not a file there is 404, or the page for client routes.
 * Resolves when the page has all that its document names: from then on it is busy without us.
 */
export function serveAppProtocol(session: Session, folder: string): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  /** What the document names and has not been sent. */
  let wanted: Set<string> | undefined;
  session.protocol.handle('app', async (request) => {
    const url = new URL(request.url);
    const headers = {
      'content-security-policy': contentSecurityPolicy,
      'x-content-type-options': 'nosniff',
      'cache-control': 'no-store',
    };
    if (url.host !== 'console' || request.method !== 'GET')
      return new Response(null, { status: 404, headers });
    const path = normalize(join(folder, decodeURIComponent(url.pathname)));
    const inside = path.startsWith(folder + sep);
    const file = inside && extname(path) !== '' ? path : join(folder, 'index.html');
    try {
      const type = mediaTypes[extname(file)] ?? 'application/octet-stream';
      const content = await readFile(file);
      if (extname(file) === '.html')
        wanted ??= new Set([...content.toString().matchAll(named)].map(([, path = '']) => path));
      return new Response(content, { headers: { ...headers, 'content-type': type } });
    } catch {
      return new Response(null, { status: 404, headers });
    } finally {
      // After the answer has left.
      if (wanted?.delete(url.pathname) && wanted.size === 0) setImmediate(resolve);
    }
  });
  return promise;
}
