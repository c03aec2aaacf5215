import { type CSSVariablesResolver, createTheme, type MantineColorsTuple } from '@mantine/core';

/** One calm blue; other colours are kept for what needs someone. */
const ossea: MantineColorsTuple = [
  '#eaf4fd',
  '#d3e6f7',
  '#a5cbee',
  '#74afe5',
  '#4d97de',
  '#3588da',
  '#2a6fb0',
  '#215b92',
  '#184a7a',
  '#0b3a64',
];

export const theme = createTheme({
  primaryColor: 'ossea',
  primaryShade: 6,
  colors: { ossea },
  fontFamily: 'system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif',
  fontFamilyMonospace: 'ui-monospace, "SF Mono", "Cascadia Mono", "DejaVu Sans Mono", monospace',
  defaultRadius: 'md',
  respectReducedMotion: true,
  autoContrast: true,
  components: {
    // Their <header> would count as a second banner of the page, as role="dialog" hides the section around it.
    ModalHeader: { defaultProps: { role: 'presentation' } },
    DrawerHeader: { defaultProps: { role: 'presentation' } },
    ModalCloseButton: { defaultProps: { 'aria-label': 'Close' } },
    DrawerCloseButton: { defaultProps: { 'aria-label': 'Close' } },
    Notification: { defaultProps: { closeButtonProps: { 'aria-label': 'Close' } } },
    // Titles in the alert's own colour have less contrast than WCAG AA asks; the icon keeps it.
    Alert: {
      styles: {
        // In the dark the library's tint is nearly its full colour: as loud as an alarm.
        root: {
          background:
            'light-dark(var(--alert-bg), color-mix(in srgb, var(--alert-bg) 45%, var(--mantine-color-body)))',
        },
        label: { color: 'light-dark(var(--mantine-color-black), var(--mantine-color-white))' },
      },
    },
    Modal: { styles: { title: { fontWeight: 600 } } },
    Drawer: { styles: { title: { fontWeight: 600 } } },
    NavLink: { styles: { root: { borderRadius: 'var(--mantine-radius-md)' } } },
  },
});

/** Mantine's dimmed text has less contrast than WCAG AA asks of small text. */
export const cssVariables: CSSVariablesResolver = () => ({
  variables: {},
  light: { '--mantine-color-dimmed': 'var(--mantine-color-gray-7)' },
  dark: { '--mantine-color-dimmed': 'var(--mantine-color-dark-1)' },
});
