import { api, taken } from "../../api/client";
import { TokenForm } from "./TokenForm";

export default function Verify() {
  return <TokenForm kind="verify" send={(body) => taken(api.POST("/api/v1/auth/verify", { body }))} />;
}
