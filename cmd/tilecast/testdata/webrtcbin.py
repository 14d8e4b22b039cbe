#!/usr/bin/python3
"""Publishes a GStreamer test picture and tone by WHIP, as whipclientsink does: all candidates in the
offer, no trickle, no restart. It ends, with a DELETE, when its standard input does.

  webrtcbin.py URL vp8|h264
"""
import sys
import urllib.request
from urllib.parse import urljoin

import gi
gi.require_version("Gst", "1.0")
gi.require_version("GstWebRTC", "1.0")
gi.require_version("GstSdp", "1.0")
from gi.repository import GLib, Gst, GstSdp, GstWebRTC

VIDEO = {
    "vp8": "vp8enc deadline=1 target-bitrate=400000 keyframe-max-dist=300 ! rtpvp8pay picture-id-mode=2 pt=96"
           " ! application/x-rtp,media=video,encoding-name=VP8,payload=96",
    "h264": "x264enc tune=zerolatency speed-preset=ultrafast bitrate=400 key-int-max=300"
            " ! video/x-h264,profile=constrained-baseline ! rtph264pay aggregate-mode=zero-latency config-interval=-1 pt=98"
            " ! application/x-rtp,media=video,encoding-name=H264,payload=98",
}


def main(url, codec):
    Gst.init(None)
    loop = GLib.MainLoop()
    pipe = Gst.parse_launch(
        "webrtcbin name=out bundle-policy=max-bundle "
        "videotestsrc is-live=true pattern=ball ! video/x-raw,width=320,height=180,framerate=30/1 ! videoconvert"
        f" ! queue ! {VIDEO[codec]} ! out. "
        "audiotestsrc is-live=true volume=0.1 ! audioconvert ! audioresample ! queue ! opusenc ! rtpopuspay pt=104"
        " ! application/x-rtp,media=audio,encoding-name=OPUS,payload=104 ! out.")
    out = pipe.get_by_name("out")
    session = []

    def say(text):
        print(text, flush=True)

    def offered(promise, _):
        promise.wait()
        reply = promise.get_reply()
        offer = reply.get_value("offer")
        done = Gst.Promise.new()
        out.emit("set-local-description", offer, done)
        done.interrupt()

    def gathered(*_):
        if out.get_property("ice-gathering-state") != GstWebRTC.WebRTCICEGatheringState.COMPLETE:
            return
        text = out.get_property("local-description").sdp.as_text()
        request = urllib.request.Request(url, text.encode(), {"Content-Type": "application/sdp"})
        try:
            with urllib.request.urlopen(request, timeout=15) as answer:
                session.append(urljoin(url, answer.headers["Location"]))
                body = answer.read().decode()
        except Exception as error:  # what went wrong is for the test to read
            say(f"refused: {error}: {getattr(error, 'read', lambda: b'')().decode()}\n{text}")
            GLib.idle_add(loop.quit)
            return
        _, sdp = GstSdp.SDPMessage.new_from_text(body)
        out.emit("set-remote-description",
                 GstWebRTC.WebRTCSessionDescription.new(GstWebRTC.WebRTCSDPType.ANSWER, sdp), None)
        say("answered")

    def needed(*_):
        for i in range(2):
            transceiver = out.emit("get-transceiver", i)
            transceiver.set_property("direction", GstWebRTC.WebRTCRTPTransceiverDirection.SENDONLY)
            transceiver.set_property("do-nack", True)
        out.emit("create-offer", None, Gst.Promise.new_with_change_func(offered, None))

    def stated(*_):
        say(str(out.get_property("connection-state").value_nick))

    def failed(_, message):
        if message.type == Gst.MessageType.ERROR:
            say(f"error: {message.parse_error()}")
            loop.quit()

    def stdin(*_):
        if not sys.stdin.readline():
            loop.quit()
            return False
        return True

    out.connect("on-negotiation-needed", needed)
    out.connect("notify::ice-gathering-state", gathered)
    out.connect("notify::connection-state", stated)
    bus = pipe.get_bus()
    bus.add_signal_watch()
    bus.connect("message", failed)
    GLib.io_add_watch(sys.stdin, GLib.IO_IN | GLib.IO_HUP, stdin)
    pipe.set_state(Gst.State.PLAYING)
    loop.run()
    if session:
        urllib.request.urlopen(urllib.request.Request(session[0], method="DELETE"), timeout=5)
        say("left")
    pipe.set_state(Gst.State.NULL)


main(*sys.argv[1:])
