// The service: accounts and sessions, as better-auth's documentation puts them together.

import bcrypt from "bcrypt";
import { betterAuth } from "better-auth";
import { admin, bearer } from "better-auth/plugins";
import Database from "better-sqlite3";

const rounds = Number(process.env.BCRYPT_ROUNDS);

export const database = new Database("better-auth.db");
database.pragma("journal_mode = WAL");
database.pragma("synchronous = FULL");
database.pragma("foreign_keys = ON");

// It would take scrypt; contenders are compared at one and the same cost.
const hash = (password) => bcrypt.hash(password, rounds);
const verify = (given) => bcrypt.compare(given.password, given.hash);

// The secret and the address come from the environment.
export const auth = betterAuth({
  database,
  emailAndPassword: { enabled: true, password: { hash, verify } },
  advanced: { ipAddress: { ipAddressHeaders: ["x-forwarded-for"] } },
  rateLimit: {
    // In production one client may ask a route a hundred times, and then has to pause.
    // Programs that ask who their callers are ask more often; the documentation
    // switches the limit off for such a route, with the first of these as its example.
    // All other limits are as they come.
    customRules: { "/get-session": false, "/admin/list-users": false },
  },
  plugins: [bearer(), admin()],
});
