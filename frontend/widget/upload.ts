/** Brings one file to the server, and tells how far it has come. */

import type { Kept } from "./protocol";

export const MAX_BYTES = 10 * 1024 * 1024;
const LIMIT_MS = 300_000;
const FAULTS = ["file_too_large", "file_empty", "file_kind_refused", "image_invalid", "quota_exceeded", "upload_failed"] as const;

/** Why a file is not taken; `upload_failed` is the one that may pass by itself. */
export type Fault = (typeof FAULTS)[number];

/** A file that stands at the composer: on its way, there, or refused. */
export interface Upload {
  id: string;
  name: string;
  share: number; // of its bytes that have gone out, 0 to 1
  file?: Kept;
  fault?: Fault;
}

export type News = Pick<Upload, "share" | "file" | "fault">;

/** Begin; the function that comes back gives it up. */
export function bring(url: string, token: string, file: File, tell: (news: News) => void): () => void {
  const refuse = (code?: string): void => tell({ share: 0, fault: FAULTS.find((one) => one === code) ?? "upload_failed" });
  const request = new XMLHttpRequest(); // fetch does not say how much has gone out
  if (file.size > MAX_BYTES) refuse("file_too_large");
  else if (file.size === 0) refuse("file_empty");
  else {
    request.open("POST", `${url}&name=${encodeURIComponent(file.name)}`);
    request.setRequestHeader("chat-token", token);
    request.setRequestHeader("content-type", file.type || "application/octet-stream");
    request.responseType = "json";
    request.timeout = LIMIT_MS;
    request.upload.onprogress = ({ loaded, total }) => tell({ share: loaded / (total || 1) });
    request.onload = () => {
      const answer = request.response as (Kept & { code?: string }) | null;
      if (request.status === 201 && answer !== null) tell({ share: 1, file: answer });
      else refuse(answer?.code);
    };
    request.onerror = request.ontimeout = () => refuse();
    request.send(file);
  }
  return () => request.abort();
}
