import { readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Configuration } from 'electron-builder';

export const root = join(import.meta.dirname, '..', '..');
/** Where packages are put. */
export const outputFolder = join(root, 'out');
/** The program's name on Linux, and the package's. */
export const programName = 'ossea-migrate';
export const maintainer = 'OSSEA Migrate maintainers <maintainers@ossea.invalid>';

/** What Debian's packages need for Electron and the keychain. */
export const debianDependencies = [
  'libgtk-3-0',
  'libnotify4',
  'libnss3',
  'libxss1',
  'libxtst6',
  'xdg-utils',
  'libatspi2.0-0',
  'libuuid1',
  'libsecret-1-0',
  'libasound2',
  'libgbm1',
];

export const desktopEntry = {
  Name: 'OSSEA Migrate',
  Comment: 'Carries virtual machines from VMware vSphere to Apache CloudStack',
  Categories: 'System;',
  Keywords: 'migration;vSphere;CloudStack;',
  MimeType: 'x-scheme-handler/ossea;',
  StartupWMClass: programName,
};

/** Switches inside Electron's binary, set for good: https://www.electronjs.org/docs/latest/tutorial/fuses. */
export const fuses = {
  runAsNode: false,
  enableCookieEncryption: true,
  enableNodeOptionsEnvironmentVariable: false,
  enableNodeCliInspectArguments: false,
  enableEmbeddedAsarIntegrityValidation: true,
  onlyLoadAppFromAsar: true,
  loadBrowserProcessSpecificV8Snapshot: false,
  grantFileProtocolExtraPrivileges: false,
} as const;

const installedElectron: { version: string } = JSON.parse(
  readFileSync(join(root, 'node_modules', 'electron', 'package.json'), 'utf8'),
);

/** An Electron on this machine, where its download site cannot be reached. */
const electronFolder = process.env.ELECTRON_OVERRIDE_DIST_PATH;
const electronVersion = electronFolder
  ? readFileSync(join(electronFolder, 'version'), 'utf8').trim()
  : installedElectron.version;

/** Says why what is made here must not be given to anybody; undefined where it may. */
export const notForRelease =
  electronVersion === installedElectron.version
    ? undefined
    : `made with Electron ${electronVersion} in place of ${installedElectron.version}: to be tried out, not to be given away`;

/** How electron-builder makes the packages of every platform. */
export function packageConfiguration(): Configuration {
  return {
    appId: 'org.ossea.migrate',
    productName: 'OSSEA Migrate',
    copyright: 'Copyright © OSSEA Migrate maintainers',
    electronVersion,
    ...(electronFolder && { electronDist: electronFolder }),
    directories: {
      app: join(root, 'dist'),
      output: outputFolder,
      buildResources: join(root, 'resources', 'icons'),
    },
    files: [
      '{main,preload,renderer}/**/*',
      'package.json',
      '!**/*.map',
      // The bundles need none but the next.
      '!node_modules/**/*',
      {
        from: join(root, 'node_modules', 'keytar'),
        to: 'node_modules/keytar',
        filter: ['package.json', 'LICENSE.md', 'lib/keytar.js', 'build/Release/keytar.node'],
      },
    ],
    asar: true,
    // The system's loader cannot read out of an archive.
    asarUnpack: ['**/*.node'],
    // keytar is the only native code, and its interface (Node-API) is the same for every Electron.
    npmRebuild: false,
    extraResources: [
      { from: join(root, 'resources', 'icons', 'icon.png'), to: 'icons/icon.png' },
      { from: join(root, 'resources', 'agent'), to: 'agent' },
      // The folder holds the key that updates are signed with, if the build has one.
      { from: join(root, 'dist'), to: '.', filter: ['release-key.pem'] },
    ],
    // What starts a folder that is named to it has no place in a product.
    afterPack: ({ appOutDir }) => rm(join(appOutDir, 'resources', 'default_app.asar'), { force: true }),
    electronFuses: { ...fuses, resetAdHocDarwinSignature: true },
    electronLanguages: ['en-US'],
    protocols: [{ name: 'OSSEA Migrate', schemes: ['ossea'] }],
    publish: { provider: 'github', owner: 'ossea', repo: 'ossea-migrate', releaseType: 'draft' },
    linux: {
      target: ['deb', 'AppImage', 'tar.gz'],
      executableName: programName,
      icon: join(root, 'resources', 'icons', 'icon.png'),
      category: 'System',
      maintainer,
      synopsis: desktopEntry.Comment,
      desktop: { entry: desktopEntry },
    },
    deb: { depends: debianDependencies, packageCategory: 'admin' },
    mac: {
      target: [
        { target: 'dmg', arch: ['x64', 'arm64'] },
        { target: 'zip', arch: ['x64', 'arm64'] },
      ],
      icon: join(root, 'resources', 'icons', 'icon.png'),
      category: 'public.app-category.utilities',
      hardenedRuntime: true,
      gatekeeperAssess: false,
      entitlements: join(import.meta.dirname, 'entitlements.mac.plist'),
      entitlementsInherit: join(import.meta.dirname, 'entitlements.mac.plist'),
      // With Apple's keys in the environment (APPLE_API_KEY and its like); a build without them says so and goes on.
      notarize: process.env.APPLE_API_KEY !== undefined,
    },
    win: {
      target: [{ target: 'nsis', arch: ['x64'] }],
      icon: join(root, 'resources', 'icons', 'icon.png'),
      verifyUpdateCodeSignature: true,
    },
    nsis: {
      oneClick: false,
      perMachine: false,
      allowToChangeInstallationDirectory: true,
      deleteAppDataOnUninstall: false,
    },
  };
}
