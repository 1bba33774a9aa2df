/** The screens of the rail. */
export const SCREENS = ['review', 'copies', 'sources', 'export', 'audit', 'quality', 'settings'] as const;
export type Screen = (typeof SCREENS)[number];

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
