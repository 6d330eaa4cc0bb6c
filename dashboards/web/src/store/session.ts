/** Who sits here: signing in by password or by a one-time link, and noticing when the session is gone. */
import { defineStore } from "pinia";
import { computed, ref } from "vue";

import type { Session, User } from "../api/types";
import { Refused, call, setCsrf, whenSignedOut } from "../api/client";

export type Failure = { key: string; seconds?: number } | null;

export const useSession = defineStore("session", () => {
  const user = ref<User | null>(null);
  const known = ref(false);
  /** The session ended without the person asking for it: the page says so and warns by tone. */
  const lost = ref(false);
  const offerPassword = ref(false);
  const roles = computed(() => [...new Set((user.value?.grants ?? []).map((g) => g.role))]);
  /** May act on what concerns cameras: look, edit, ask for originals. */
  const operates = computed(() => roles.value.some((role) => role === "admin" || role === "operator"));

  whenSignedOut(() => {
    if (user.value) lost.value = true;
    user.value = null;
  });

  function begin(session: Session): void {
    user.value = session.user;
    setCsrf(session.csrf);
    offerPassword.value = session.set_password;
    lost.value = false;
  }

  async function attempt(body: Record<string, unknown>): Promise<Failure> {
    try {
      begin(await call<Session>("POST", "/session", { body }));
      return null;
    } catch (error) {
      return failureOf(error, "token" in body);
    } finally {
      known.value = true;
    }
  }

  /** `screen`: a duty screen, which stays signed in for months. */
  const signIn = (name: string, password: string, screen: boolean): Promise<Failure> =>
    attempt({ name, password, duty: screen });

  const enter = (token: string): Promise<Failure> => attempt({ token });

  /** Goes on with the session the browser still has. Throws `Unreachable` when the gateway does not answer. */
  async function resume(): Promise<void> {
    try {
      begin(await call<Session>("GET", "/session"));
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      user.value = null;
    }
    known.value = true;
  }

  async function signOut(): Promise<void> {
    try {
      await call("DELETE", "/session");
    } finally {
      user.value = null;
      lost.value = false;
    }
  }

  async function setPassword(password: string): Promise<Failure> {
    try {
      await call("PUT", "/session/password", { body: { password } });
      offerPassword.value = false;
      return null;
    } catch (error) {
      return error instanceof Refused ? { key: "password.refused" } : { key: "signin.unreachable" };
    }
  }

  return { user, known, lost, offerPassword, roles, operates, signIn, enter, resume, signOut, setPassword };
});

function failureOf(error: unknown, byLink: boolean): Failure {
  if (!(error instanceof Refused)) return { key: "signin.unreachable" };
  if (error.status === 429 || error.code === "wait") return { key: "signin.wait", seconds: error.waitS };
  if (error.code === "not_allowed") return { key: "signin.not_allowed" };
  if (error.status >= 500) return { key: "signin.unreachable" };
  return { key: byLink ? "signin.bad_link" : "signin.wrong" };
}
