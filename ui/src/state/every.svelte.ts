import { untrack } from 'svelte';

/** Does something now and again and again, as long as the component stands and the page is seen. Call it while a component is made. */
export function every(milliseconds: number, act: () => Promise<void>): void {
  $effect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    let over = false;
    const turn = async () => {
      clearTimeout(timer);
      await act();
      if (!over && !document.hidden) timer = setTimeout(() => void turn(), milliseconds);
    };
    const seen = () => { if (!document.hidden) void turn(); };
    document.addEventListener('visibilitychange', seen);
    // What the act reads is no reason to do it again at once.
    untrack(() => void turn());
    return () => {
      over = true;
      clearTimeout(timer);
      document.removeEventListener('visibilitychange', seen);
    };
  });
}
