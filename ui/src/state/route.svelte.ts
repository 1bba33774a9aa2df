/** The screens of the rail. */
export const SCREENS = ['review', 'copies', 'sources', 'export', 'audit', 'quality', 'server', 'admin', 'settings'] as const;
export type Screen = (typeof SCREENS)[number];

/** What a role must be allowed so that a screen is of use to it; the others are for everyone. */
const NEEDS: Partial<Record<Screen, string>> = { review: 'validate_e14', sources: 'upload_e14' };

/** The screens for whoever may do what `may` says; administration where there is a part of it to see. */
export function screensFor(may: (permission: string) => boolean, administers: boolean): Screen[] {
  return SCREENS.filter((screen) => {
    const needed = NEEDS[screen];
    return screen === 'admin' ? administers : needed === undefined || may(needed);
  });
}

function parse(hash: string, home: Screen): { screen: Screen; rest: string | null } {
  const [name, ...more] = hash.replace(/^#\/?/, '').split('/');
  const rest = more.map(decodeURIComponent).join('/');
  const screen = SCREENS.find((known) => known === name) ?? home;
  return { screen, rest: rest || null };
}

const address = (screen: Screen, rest: string | null) =>
  rest === null ? `/${screen}` : `/${screen}/${rest.split('/').map(encodeURIComponent).join('/')}`;

/** Where the person is. Kept in the address, so that back and reload work. */
class Route {
  screen = $state<Screen>('review');
  /** A form's id on the review screen; which part of the administration. */
  rest = $state<string | null>(null);

  /** Follows the address from now on; `home` is where an empty one leads. */
  start(home: Screen = 'review'): void {
    const read = (hash: string) => {
      const { screen, rest } = parse(hash, home);
      this.screen = screen;
      this.rest = rest;
    };
    // Where the person went: what was noted since then may stand in the address by now.
    window.addEventListener('hashchange', (event) => read(new URL(event.newURL).hash));
    read(location.hash);
  }

  go(screen: Screen, rest: string | null = null): void {
    location.hash = address(screen, rest);
  }

  /** Notes the form in the address without a step in the history. */
  note(rest: string | null): void {
    this.rest = rest;
    history.replaceState(null, '', `#${address(this.screen, rest)}`);
  }
}

export const route = new Route();
