/** A mailed invitation: whoever is logged in joins with one button; everybody else makes an account first. */
import { useMutation } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { useNavigate } from "react-router";
import { toast } from "sonner";
import { api, taken } from "../../api/client";
import { useMe } from "../../api/session";
import { Waiting } from "../../app/App";
import { Button } from "../../ui/button";
import { Failure } from "../../ui/states";
import { Frame, secretOfLink } from "./frame";
import SignUp, { BackToLogin } from "./SignUp";

export default function Invitation() {
  const { t } = useTranslation("auth");
  const me = useMe();
  const go = useNavigate();
  const token = secretOfLink();
  const accept = useMutation({
    mutationFn: () => taken(api.POST("/api/v1/organisations/invitations/accept", { body: { token } })),
    onSuccess: () => {
      toast.success(t("invitation.done"));
      void go("/settings/team", { replace: true });
    },
  });
  if (me.isPending) return <Waiting />;
  if (!token) return <Frame title={t("invitation.title")} text={t("noToken")} below={<BackToLogin />} />;
  if (!me.data) return <SignUp />;
  return (
    <Frame title={t("invitation.title")} text={t("invitation.text", { email: me.data.email })}>
      <div className="flex flex-col gap-4">
        {accept.isError && <Failure error={accept.error} />}
        <Button look="primary" busy={accept.isPending} onClick={() => accept.mutate()}>
          {t("invitation.do")}
        </Button>
      </div>
    </Frame>
  );
}
