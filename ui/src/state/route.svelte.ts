/** The screens of the rail. */
export const SCREENS = ['review', 'copies', 'sources', 'export', 'audit', 'quality', 'server', 'settings'] as const;
export type Screen = (typeof SCREENS)[number];

/** What a role must be allowed so that a screen is of use to it; the others are for everyone. */
const NEEDS: Partial<Record<Screen, string>> = { review: 'validate_e14', sources: 'upload_e14' };

/** The screens for whoever may do what `may` says. */
export function screensFor(may: (permission: string) => boolean): Screen[] {
  return SCREENS.filter((screen) => { const needed = NEEDS[screen]; return needed === undefined || may(needed); });
}

function parse(hash: string): { screen: Screen; rest: string | null } {
  const [name, rest] = hash.replace(/^#\/?/, '').split('/');
  const screen = SCREENS.find((known) => known === name) ?? 'review';
  return { screen, rest: rest ? decodeURIComponent(rest) : null };
}

/** Where the person is. Kept in the address, so that back and reload work. */
class Route {
  screen = $state<Screen>('review');
  /** A form's id on the review screen. */
  rest = $state<string | null>(null);

  start(): void {
    const read = () => {
      const { screen, rest } = parse(location.hash);
      this.screen = screen;
      this.rest = rest;
    };
    window.addEventListener('hashchange', read);
    read();
  }

  go(screen: Screen, rest: string | null = null): void {
    location.hash = rest === null ? `/${screen}` : `/${screen}/${encodeURIComponent(rest)}`;
  }

  /** Notes the form in the address without a step in the history. */
  note(rest: string | null): void {
    this.rest = rest;
    history.replaceState(null, '', rest === null ? `#/${this.screen}` : `#/${this.screen}/${encodeURIComponent(rest)}`);
  }
}

export const route = new Route();
