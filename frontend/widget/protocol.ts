/** What travels between the widget and the server; see docs/api. */

export type Author = "contact" | "bot" | "operator" | "system";
export type Owner = "bot" | "queue" | "operator" | null;

export interface Message {
  seq: number;
  author: Author;
  text: string;
  client_id: string | null;
  created_at: string;
}

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
  | { type: "ready"; owner: Owner; status: string; last_seq: number; read_seq: number }
  | ({ type: "message" } & Message)
  | { type: "sent"; client_id: string; seq: number; created_at: string }
  | { type: "state"; owner: Owner; status: string }
  | { type: "typing"; author: Author }
  | { type: "read"; author: Author; seq: number }
  | { type: "pong" }
  | ({ type: "error" } & Problem);
