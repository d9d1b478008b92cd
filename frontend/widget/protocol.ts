/** What travels between the widget and the server; see docs/api. */

export type Author = "contact" | "bot" | "operator" | "system";
export type Owner = "bot" | "queue" | "operator" | null;

export interface Message {
  seq: number;
  author: Author;
  text: string;
  client_id: string | null;
  created_at: string;
  sources?: Source[];
  choices?: string[];
  file?: Kept;
  edits?: number; // the seq whose text this one replaces
}

/** A file that the server has. */
export interface Kept {
  key: string;
  name: string;
  media_type: string;
  size: number;
  url: string; // a path on the server
}

/** What an answer rests on. */
export interface Source {
  title: string;
  url: string;
}

/** Why the server will not talk to us at all. */
export type Refusal = "token_invalid" | "origin_not_allowed" | "inbox_unknown";

export interface Problem {
  code: string;
  status: number;
  detail: string;
  client_id?: string;
  retry_after?: number;
}

export interface Look {
  inbox: string;
  title: string;
  greeting: string;
  popular_questions: string[];
  language: string;
  bot: boolean;
}

export type Frame =
  | { type: "ready"; owner: Owner; status: string; queue_place?: number; last_seq: number; read_seq: number }
  | ({ type: "message" } & Message)
  | { type: "sent"; client_id: string; seq: number; created_at: string }
  | { type: "state"; owner: Owner; status: string; queue_place?: number }
  | { type: "typing"; author: Author }
  | { type: "delta"; turn: string; text: string }
  | { type: "delta_end"; turn: string }
  | { type: "read"; author: Author; seq: number }
  | { type: "pong" }
  | ({ type: "error" } & Problem);
