// One clock for two recordings: which moment of the other belongs to a moment of the one. Up to where they part
// it is the same; from there on the one with the same virtual time if both have a ledger, else the one as many
// moments after `joined`, where both went on with the same code, or after they parted.

import { firstAbove } from "./lists.js";

export function makeClock(a, b, { parted, joined }) {
  const timed = Boolean(a.header.ledger && b.header.ledger);
  const since = (reader) => {
    const { m_time: time } = reader.recording.columns;
    return time.map((each) => each - time[0]);
  };
  const times = timed ? new Map([a, b].map((reader) => [reader, since(reader)])) : null;

  // Moments of one time: those of the other follow one by one, as far as there are any.
  const atTheSameTime = (from, to, moment) => {
    const now = times.get(from)[moment];
    const begin = Math.max(parted, firstAbove(times.get(from), now - 0.5));
    const first = Math.max(parted, firstAbove(times.get(to), now - 0.5));
    const end = firstAbove(times.get(to), now);
    return end > first ? Math.min(first + moment - begin, end - 1) : Math.max(end - 1, parted);
  };

  const [mine, others] = joined ?? [parted, parted];
  const byNumber = (from, moment) => {
    const [here, there] = from === a ? [mine, others] : [others, mine];
    return moment < here ? Math.min(moment, there) : moment - here + there;
  };

  return {
    timed,
    follow(from, to, moment) {
      if (parted === null || moment < parted) return Math.min(moment, to.last);
      return Math.min(timed ? atTheSameTime(from, to, moment) : byNumber(from, moment), to.last);
    },
  };
}
