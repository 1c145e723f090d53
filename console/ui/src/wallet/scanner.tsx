// Reads a code with the camera, or from a picture that the person has. Pictures stay in the page.

import { useEffect, useId, useRef, useState } from "preact/hooks";
import { type Key, t } from "../words";
import { Title } from "./parts";
import { cameraFault, codeIn, codeInFile } from "./picture";

const EVERY = 200;

export function Scanner({ found, end }: { found: (text: string) => void; end: () => void }) {
  const video = useRef<HTMLVideoElement>(null);
  const [refused, setRefused] = useState<Key | undefined>(undefined);
  const [none, setNone] = useState(false);
  const file = useId();
  useEffect(() => {
    let stream: MediaStream | undefined;
    let timer: ReturnType<typeof setInterval> | undefined;
    let gone = false;
    const canvas = document.createElement("canvas");
    const look = () => {
      const v = video.current;
      if (!v || v.videoWidth === 0) return;
      canvas.width = v.videoWidth;
      canvas.height = v.videoHeight;
      const picture = canvas.getContext("2d", { willReadFrequently: true });
      if (!picture) return;
      picture.drawImage(v, 0, 0);
      const code = codeIn(picture.getImageData(0, 0, canvas.width, canvas.height));
      if (code !== undefined) found(code);
    };
    navigator.mediaDevices
      ?.getUserMedia({ video: { facingMode: "environment" } })
      .then(async (s) => {
        stream = s;
        if (gone || !video.current) return s.getTracks().forEach((track) => track.stop());
        video.current.srcObject = s;
        await video.current.play();
        timer = setInterval(look, EVERY);
      })
      .catch((error: unknown) => setRefused(cameraFault(error)));
    if (!navigator.mediaDevices) setRefused("camera.absent");
    return () => {
      gone = true;
      clearInterval(timer);
      stream?.getTracks().forEach((track) => track.stop());
    };
  }, []);
  return (
    <>
      <Title text="camera.title" />
      {refused ? <p role="alert">{t(refused)}</p> : <video ref={video} class="camera" muted playsInline />}
      <p class="field">
        <label for={file}>{t("picture.file")}</label>
        <input
          id={file}
          type="file"
          accept="image/*"
          onChange={(e) => {
            const chosen = e.currentTarget.files?.[0];
            setNone(false);
            if (chosen) void codeInFile(chosen).then((code) => (code === undefined ? setNone(true) : found(code)));
          }}
        />
        <span class="problem" role="alert">
          {none ? t("picture.none") : ""}
        </span>
      </p>
      <p class="acts">
        <button onClick={end}>{t("cancel")}</button>
      </p>
    </>
  );
}
