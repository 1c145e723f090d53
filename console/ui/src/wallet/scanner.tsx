// Reads a code with the camera. Pictures stay in the page.

import jsQR from "jsqr";
import { useEffect, useRef, useState } from "preact/hooks";
import { t } from "../words";
import { Title } from "./parts";

const EVERY = 200;

export function Scanner({ found, end }: { found: (text: string) => void; end: () => void }) {
  const video = useRef<HTMLVideoElement>(null);
  const [refused, setRefused] = useState(false);
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
      const { data, width, height } = picture.getImageData(0, 0, canvas.width, canvas.height);
      const code = jsQR(data, width, height);
      if (code && code.data !== "") found(code.data);
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
      .catch(() => setRefused(true));
    if (!navigator.mediaDevices) setRefused(true);
    return () => {
      gone = true;
      clearInterval(timer);
      stream?.getTracks().forEach((track) => track.stop());
    };
  }, []);
  return (
    <>
      <Title text="camera.title" />
      {refused ? <p role="alert">{t("camera.refused")}</p> : <video ref={video} class="camera" muted playsInline />}
      <p class="acts">
        <button onClick={end}>{t("cancel")}</button>
      </p>
    </>
  );
}
