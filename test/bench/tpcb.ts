import { Client } from 'pg'

/** The number of concurrent clients, as in pgbench's usual run. */
const CLIENTS = 32

/** The numbers of rows, as in pgbench at scale 50, but with 2,000 accounts a branch. */
const ROWS = { accounts: 100_000, tellers: 500, branches: 50 }

const schema = `
  CREATE SCHEMA tpcb;
  CREATE TABLE tpcb.accounts (id int PRIMARY KEY, balance int NOT NULL);
  CREATE TABLE tpcb.tellers (id int PRIMARY KEY, balance int NOT NULL);
  CREATE TABLE tpcb.branches (id int PRIMARY KEY, balance int NOT NULL);
  CREATE TABLE tpcb.history (account int, teller int, branch int, delta int, at timestamptz);
  CREATE TABLE tpcb.entries (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, text text NOT NULL);
  INSERT INTO tpcb.accounts SELECT n, 0 FROM generate_series(1, ${ROWS.accounts}) n;
  INSERT INTO tpcb.tellers SELECT n, 0 FROM generate_series(1, ${ROWS.tellers}) n;
  INSERT INTO tpcb.branches SELECT n, 0 FROM generate_series(1, ${ROWS.branches}) n;
  ANALYZE`

/** The text in each row of the one-row commit, as long as a short record. */
const text = 'x'.repeat(100)

/** The yardsticks of PostgreSQL, through the driver that the store uses. */
export interface Tpcb {
  /** Measures transactions like those of TPC-B per second, of all clients together. */
  rate(forMs: number): Promise<number>
  /** Measures sequential one-row inserts per second, each committed. */
  oneRowRate(forMs: number): Promise<number>
  close(): Promise<void>
}

export async function tpcb(url: string): Promise<Tpcb> {
  const clients = Array.from({ length: CLIENTS }, () => new Client({ connectionString: url }))
  for (const client of clients) await client.connect()
  const [first] = clients
  await first?.query(schema)
  return {
    async rate(forMs) {
      const run = (client: Client) => transaction(client)
      return await rateOf(clients, forMs, run)
    },
    async oneRowRate(forMs) {
      const insert = {
        name: 'one-row',
        text: 'INSERT INTO tpcb.entries (text) VALUES ($1)',
        values: [text],
      }
      return await rateOf(clients.slice(0, 1), forMs, (client) => client.query(insert))
    },
    async close() {
      for (const client of clients) await client.end()
    },
  }
}

async function rateOf(
  clients: readonly Client[],
  forMs: number,
  run: (client: Client) => Promise<unknown>,
): Promise<number> {
  const startedAt = performance.now()
  let ran = 0
  const work = async (client: Client): Promise<void> => {
    for (; performance.now() - startedAt < forMs; ran += 1) await run(client)
  }
  await Promise.all(clients.map(work))
  return (ran * 1_000) / (performance.now() - startedAt)
}

async function transaction(client: Client): Promise<void> {
  const [account, teller, branch] = [ROWS.accounts, ROWS.tellers, ROWS.branches].map(oneOf)
  const delta = oneOf(10_000) - 5_000
  const query = (name: string, text: string, ...values: unknown[]): Promise<unknown> =>
    client.query({ name, text, values })
  await client.query('BEGIN')
  await query('a', 'UPDATE tpcb.accounts SET balance = balance + $1 WHERE id = $2', delta, account)
  await query('b', 'SELECT balance FROM tpcb.accounts WHERE id = $1', account)
  await query('c', 'UPDATE tpcb.tellers SET balance = balance + $1 WHERE id = $2', delta, teller)
  await query('d', 'UPDATE tpcb.branches SET balance = balance + $1 WHERE id = $2', delta, branch)
  const values = [account, teller, branch, delta]
  await query('e', 'INSERT INTO tpcb.history VALUES ($1, $2, $3, $4, now())', ...values)
  await client.query('COMMIT')
}

function oneOf(count: number): number {
  return 1 + Math.floor(Math.random() * count)
}
