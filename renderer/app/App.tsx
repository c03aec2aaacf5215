import { MantineProvider } from '@mantine/core';
import { ModalsProvider } from '@mantine/modals';
import { Notifications } from '@mantine/notifications';
import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { lazy, Suspense } from 'react';
import { BrowserRouter, Navigate, Route, Routes } from 'react-router';
import { isOsseaError } from '../../appliance-agent/src/contract/index.ts';
import { LoadingScreen } from '../components/LoadingScreen.tsx';
import { useConsoleQuery } from '../queries/console.ts';
import { CommandPalette } from './CommandPalette.tsx';
import { Frame } from './Frame.tsx';
import { ScreenBoundary } from './ScreenBoundary.tsx';
import { screens } from './screens.ts';
import { cssVariables, theme } from './theme.ts';
import { useShellEvents } from './useShellEvents.ts';

// Not needed for the first screen of every day.
const FirstRunScreen = lazy(() => import('../screens/first-run/FirstRunScreen.tsx'));

// Main answers without any network too: out of the keychain, its files and its cache. The library would wait for a network otherwise.
const networkMode = 'always';

const queries = new QueryClient({
  defaultOptions: {
    mutations: { networkMode },
    queries: {
      networkMode,
      // Main answers out of its cache while an appliance is offline; asking again at once would not help.
      retry: (count, error) => isOsseaError(error) && error.retryable && count < 2,
      staleTime: 5_000,
      refetchOnWindowFocus: true,
    },
  },
});

/** Where one begins who asks for no screen. */
function Start() {
  const settings = useConsoleQuery('settings.get');
  if (settings.isPending) return <LoadingScreen />;
  return <Navigate to={settings.data?.firstRunDone ? '/overview' : '/welcome'} replace />;
}

function Screens() {
  useShellEvents();
  return (
    <>
      <CommandPalette />
      <Routes>
        <Route
          path="/welcome"
          element={
            <Suspense fallback={<LoadingScreen />}>
              <FirstRunScreen />
            </Suspense>
          }
        />
        <Route element={<Frame />}>
          {screens.map(({ path, component: Component }) => (
            <Route
              key={path}
              path={`${path}/*`}
              element={
                <ScreenBoundary key={path}>
                  <Suspense fallback={<LoadingScreen />}>
                    <Component />
                  </Suspense>
                </ScreenBoundary>
              }
            />
          ))}
        </Route>
        <Route path="*" element={<Start />} />
      </Routes>
    </>
  );
}

/** The window: providers around the screens. */
export function App() {
  return (
    <MantineProvider theme={theme} cssVariablesResolver={cssVariables} defaultColorScheme="auto">
      <QueryClientProvider client={queries}>
        <ModalsProvider>
          <Notifications position="bottom-right" />
          <BrowserRouter>
            {/* Around the frame too: a defect there must not leave an empty window. */}
            <ScreenBoundary>
              <Screens />
            </ScreenBoundary>
          </BrowserRouter>
        </ModalsProvider>
      </QueryClientProvider>
    </MantineProvider>
  );
}
