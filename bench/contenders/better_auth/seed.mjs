// Fills better-auth's database past HTTP: `node seed.mjs 1000 10`.

import { writeFileSync } from "node:fs";
import { makeSignature } from "better-auth/crypto";
import { getMigrations } from "better-auth/db/migration";

import { auth, database } from "./auth.mjs";

const BATCH = 10_000;
const PAGE = 50;
const DAY = 86_400_000;

const [users, tokens] = process.argv.slice(2).map(Number);
const migrations = await getMigrations(auth.options);
await migrations.runMigrations();
const context = await auth.$context;
const passwordHash = await context.password.hash(process.env.PASSWORD);
const now = new Date().toISOString();

const inserting = (table, row) => {
  const names = Object.keys(row);
  const columns = names.map((name) => `"${name}"`).join(", ");
  const values = names.map((name) => `@${name}`).join(", ");
  return database.prepare(`INSERT INTO "${table}" (${columns}) VALUES (${values})`);
};

// Rows are written as the library writes them: text for dates, numbers for booleans.
const user = (number, id) => ({
  id,
  name: `Person ${number}`,
  email: `person${number}@example.com`,
  emailVerified: 1,
  createdAt: now,
  updatedAt: now,
  role: number ? "user" : "admin", // The first person is the admin.
  banned: 0,
});

const account = (userId) => ({
  id: context.generateId({ model: "account" }),
  accountId: userId,
  providerId: "credential",
  userId,
  password: passwordHash,
  createdAt: now,
  updatedAt: now,
});

const session = (userId) => ({
  id: context.generateId({ model: "session" }),
  expiresAt: new Date(Date.now() + 7 * DAY).toISOString(), // As after any sign-in.
  token: context.generateId({ model: "session" }),
  createdAt: now,
  updatedAt: now,
  ipAddress: "10.0.0.1",
  userAgent: "bench",
  userId,
});

const insertUser = inserting("user", user(0, ""));
const insertAccount = inserting("account", account(""));
const insertSession = inserting("session", session(""));
const ids = [];

const insertUsers = database.transaction((first, last) => {
  for (let number = first; number < last; number++) {
    const id = context.generateId({ model: "user" });
    insertUser.run(user(number, id));
    insertAccount.run(account(id));
    ids.push(id);
  }
});
for (let first = 0; first < users; first += BATCH) {
  insertUsers(first, Math.min(first + BATCH, users));
}

// Whose the n-th token is: as `holder` in people.py.
const step = Math.max(1, Math.floor(users / tokens));
const sessions = Array.from({ length: tokens }, (_, n) => session(ids[(n * step) % users]));
database.transaction(() => sessions.forEach((begun) => insertSession.run(begun)))();
database.close();

// As a client finds it in the header `set-auth-token`.
const signed = async (token) =>
  `${token}.${await makeSignature(token, context.secret)}`;
const accessTokens = await Promise.all(sessions.map((begun) => signed(begun.token)));
const seeded = {
  access_tokens: accessTokens,
  refresh_tokens: [],
  admin_token: accessTokens[0],
  last_page: String(Math.max(0, users - PAGE)),
};
writeFileSync("seeded.json", JSON.stringify(seeded));
