import {
  IconHistory,
  IconKey,
  IconLayoutDashboard,
  IconProgress,
  type IconProps,
  IconRouter,
  IconServer,
  IconSettings,
  IconStack2,
} from '@tabler/icons-react';
import { type ComponentType, lazy } from 'react';

/** A screen of the main navigation. */
export interface Screen {
  readonly path: string;
  readonly title: string;
  /** With Ctrl (Cmd on macOS) held. */
  readonly shortcut: string;
  readonly icon: ComponentType<IconProps>;
  readonly component: ComponentType;
}

/** In the order of the navigation. Each screen is loaded when it is first opened. */
export const screens: readonly Screen[] = [
  {
    path: '/overview',
    title: 'Overview',
    shortcut: '1',
    icon: IconLayoutDashboard,
    component: lazy(() => import('../screens/overview/OverviewScreen.tsx')),
  },
  {
    path: '/inventory',
    title: 'Inventory',
    shortcut: '2',
    icon: IconServer,
    component: lazy(() => import('../screens/inventory/InventoryScreen.tsx')),
  },
  {
    path: '/workloads',
    title: 'Workloads',
    shortcut: '3',
    icon: IconStack2,
    component: lazy(() => import('../screens/workloads/WorkloadsScreen.tsx')),
  },
  {
    path: '/jobs',
    title: 'Jobs',
    shortcut: '4',
    icon: IconProgress,
    component: lazy(() => import('../screens/jobs/JobsScreen.tsx')),
  },
  {
    path: '/activity',
    title: 'Activity',
    shortcut: '5',
    icon: IconHistory,
    component: lazy(() => import('../screens/activity/ActivityScreen.tsx')),
  },
  {
    path: '/appliances',
    title: 'Appliances',
    shortcut: '6',
    icon: IconRouter,
    component: lazy(() => import('../screens/appliances/AppliancesScreen.tsx')),
  },
  {
    path: '/credentials',
    title: 'Credentials',
    shortcut: '7',
    icon: IconKey,
    component: lazy(() => import('../screens/credentials/CredentialsScreen.tsx')),
  },
  {
    path: '/settings',
    title: 'Settings',
    shortcut: ',',
    icon: IconSettings,
    component: lazy(() => import('../screens/settings/SettingsScreen.tsx')),
  },
];
