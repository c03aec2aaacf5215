import { app, type IpcMainInvokeEvent, type Session } from 'electron';

/** Where our own page comes from: `app://console`, or Vite's server in development. */
export function isOwnUrl(url: string, ownOrigins: readonly string[]): boolean {
  try {
    const { protocol, host } = new URL(url);
    return ownOrigins.includes(`${protocol}//${host}`);
  } catch {
    return false;
  }
}

/** True for a message from the main frame of one of our own pages. */
export function isTrustedSender(event: IpcMainInvokeEvent, ownOrigins: readonly string[]): boolean {
  const frame = event.senderFrame;
  return frame !== null && frame.parent === null && isOwnUrl(frame.url, ownOrigins);
}

/** Denies every web permission, navigation elsewhere, new windows and webviews, in all present and future contents. */
export function lockDown(session: Session, ownOrigins: readonly string[]): void {
  session.setPermissionRequestHandler((_contents, _permission, answer) => answer(false));
  session.setPermissionCheckHandler(() => false);
  session.setDevicePermissionHandler(() => false);
  app.on('web-contents-created', (_event, contents) => {
    contents.on('will-navigate', (event) => {
      if (!isOwnUrl(event.url, ownOrigins)) event.preventDefault();
    });
    contents.on('will-redirect', (event) => {
      if (!isOwnUrl(event.url, ownOrigins)) event.preventDefault();
    });
    contents.on('will-attach-webview', (event) => event.preventDefault());
    contents.setWindowOpenHandler(() => ({ action: 'deny' }));
  });
}
