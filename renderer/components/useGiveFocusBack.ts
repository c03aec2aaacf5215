import { useEffect, useState } from 'react';

/** What opened a dialog: the element itself, or the button of the menu that it stands in. */
function openerOf(element: Element | null): Element | null {
  const button = element?.closest('[role="menu"]')?.getAttribute('aria-labelledby');
  return button ? document.getElementById(button) : element;
}

/** For a dialog that is there only while it is open: what had the focus has it again when the dialog is gone. */
export function useGiveFocusBack(): void {
  const [opener] = useState(() => openerOf(document.activeElement));
  useEffect(
    () => () => {
      // After the dialog has left the page; nobody else may have taken the focus meanwhile.
      setTimeout(() => {
        if (document.activeElement === document.body && opener instanceof HTMLElement) opener.focus();
      });
    },
    [opener],
  );
}
