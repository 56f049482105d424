import { api, taken } from "../../api/client";
import { TokenForm } from "./TokenForm";

export default function Reset() {
  return <TokenForm kind="reset" send={(body) => taken(api.POST("/api/v1/auth/password/reset", { body }))} />;
}
