/** What backends do in the cases: bytes, and then an end or none. Text is latin1: a character is a byte. */
import { OK, type Script } from '../support/recorder.ts';

export type Ending = 'stays' | 'closes' | 'resets';

/** Writes the bytes, which may be none, to every request, and ends as told when they have left. */
export function writing(bytes: string, ending: Ending): Script {
  return ({ socket }) => {
    const end = (): void => {
      if (ending === 'closes') socket.end();
      if (ending === 'resets') socket.resetAndDestroy();
    };
    if (bytes === '') end();
    else socket.write(Buffer.from(bytes, 'latin1'), () => setImmediate(end));
    return null;
  };
}

/** The first request is answered so, every other one with `200 ok`. */
export function once(script: Script): Script {
  return (exchange) => (exchange.index === 0 ? script(exchange) : OK);
}
