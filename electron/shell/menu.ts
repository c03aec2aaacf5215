import { app, Menu, type MenuItemConstructorOptions } from 'electron';
import type { EventPayload } from '../ipc/contract.ts';

export interface MenuActions {
  readonly navigate: (path: string) => void;
  readonly command: (name: EventPayload<'command'>['name']) => void;
  readonly openDocumentation: () => void;
}

/** The application menu, after each platform's conventions. */
export function installMenu({ navigate, command, openDocumentation }: MenuActions): void {
  const mac = process.platform === 'darwin';
  const go = (label: string, path: string, key: string): MenuItemConstructorOptions => ({
    label,
    accelerator: `CmdOrCtrl+${key}`,
    click: () => navigate(path),
  });
  const settings = go('Settings…', '/settings', ',');
  const template: MenuItemConstructorOptions[] = [
    ...(mac
      ? [
          {
            label: app.name,
            submenu: [
              { role: 'about' as const },
              { type: 'separator' as const },
              settings,
              { type: 'separator' as const },
              { role: 'hide' as const },
              { role: 'hideOthers' as const },
              { role: 'unhide' as const },
              { type: 'separator' as const },
              { role: 'quit' as const },
            ],
          },
        ]
      : []),
    {
      label: '&File',
      submenu: [
        { label: 'Add workloads…', accelerator: 'CmdOrCtrl+N', click: () => command('new-workload') },
        ...(mac ? [] : [{ type: 'separator' as const }, settings]),
        { type: 'separator' },
        mac ? { role: 'close' } : { role: 'quit' },
      ],
    },
    {
      label: '&Edit',
      submenu: [
        { role: 'undo' },
        { role: 'redo' },
        { type: 'separator' },
        { role: 'cut' },
        { role: 'copy' },
        { role: 'paste' },
        { role: 'selectAll' },
        { type: 'separator' },
        { label: 'Find', accelerator: 'CmdOrCtrl+F', click: () => command('find') },
      ],
    },
    {
      label: '&Go',
      submenu: [
        {
          label: 'Command palette…',
          accelerator: 'CmdOrCtrl+K',
          registerAccelerator: false,
          click: () => command('palette'),
        },
        { type: 'separator' },
        go('Overview', '/overview', '1'),
        go('Inventory', '/inventory', '2'),
        go('Workloads', '/workloads', '3'),
        go('Jobs', '/jobs', '4'),
        go('Activity', '/activity', '5'),
        go('Appliances', '/appliances', '6'),
        go('Credentials', '/credentials', '7'),
      ],
    },
    {
      label: '&View',
      submenu: [
        { label: 'Refresh', accelerator: 'CmdOrCtrl+R', click: () => command('refresh') },
        { type: 'separator' },
        { role: 'resetZoom' },
        { role: 'zoomIn' },
        { role: 'zoomOut' },
        { type: 'separator' },
        { role: 'togglefullscreen' },
        ...(app.isPackaged ? [] : [{ role: 'toggleDevTools' as const }]),
      ],
    },
    { role: 'windowMenu' },
    {
      role: 'help',
      submenu: [
        { label: 'Documentation', click: openDocumentation },
        { label: 'Keyboard shortcuts', accelerator: 'CmdOrCtrl+/', click: () => command('shortcuts') },
        { label: 'Support bundle…', click: () => navigate('/settings?section=support') },
        ...(mac ? [] : [{ type: 'separator' as const }, { role: 'about' as const }]),
      ],
    },
  ];
  Menu.setApplicationMenu(Menu.buildFromTemplate(template));
}
