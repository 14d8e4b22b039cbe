# Varnish 7.1 (Debian 12) in front of tilecast:
#
#   varnishd -a :80 -a :8443,PROXY -p feature=+http2 -f /etc/varnish/tilecast.vcl \
#            -s malloc,1g -s Transient=malloc,256m
#
# Varnish speaks no TLS: hitch (also in Debian) in front of port 8443 does, with HTTP/2, which Apple's players want.
vcl 4.1;

import std;

backend tilecast {
	.host = "127.0.0.1";
	.port = "8080";
	.first_byte_timeout = 60s; # a playlist request may wait for three target durations
	.between_bytes_timeout = 10s;
}

sub vcl_recv {
	if (req.url !~ "^/hls/") {
		# Pages, WHIP and the API are not for caches; neither are answers that never end (server-sent events).
		if (req.http.Upgrade || req.http.Accept ~ "text/event-stream") {
			return (pipe);
		}
		return (pass);
	}
	unset req.http.Cookie;
	if (req.url ~ "^[^?]*\.m3u8(\?|$)") {
		# The key is the path and _HLS_msn, _HLS_part and _HLS_skip, in one order. A token of your own belongs here, too.
		set req.url = regsuball(req.url, "(?<=[?&])(?!_HLS_(msn|part|skip)=)[^&]*(&|$)", "");
		set req.url = std.querysort(regsub(req.url, "[?&]+$", ""));
	} else {
		set req.url = regsub(req.url, "\?.*$", "");
	}
}

sub vcl_backend_response {
	if (bereq.url !~ "^/hls/") {
		return (deliver);
	}
	# A player that is told an old playlist is late: nothing is served beyond its lifetime.
	set beresp.grace = 0s;
	set beresp.keep = 0s;
	if (beresp.http.Cache-Control ~ "no-store" || beresp.status >= 500) {
		# Refusals are for nobody else. Varnish would remember for two minutes that this address cannot be shared.
		set beresp.uncacheable = true;
		set beresp.ttl = 1s;
		return (deliver);
	}
}

sub vcl_backend_error {
	set beresp.http.Cache-Control = "no-store";
	set beresp.http.Retry-After = "1";
	set beresp.http.Access-Control-Allow-Origin = "*";
}

sub vcl_deliver {
	# Age is set by Varnish itself. This is for people and for "tilecast check --cdn".
	if (obj.hits > 0) {
		set resp.http.X-Cache = "HIT";
	} else {
		set resp.http.X-Cache = "MISS";
	}
}
