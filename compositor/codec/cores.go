package codec

import (
	"os"
	"runtime"
)

// goPerCore is how many threads may run Go code for each core.
const goPerCore = 8

// ShareCores keeps Go code going while codecs have all cores to themselves. A codec at work needs
// a thread of the system but none of the GOMAXPROCS slots; one that comes back to Go takes a slot, and keeps it while
// its thread waits for a core. Where there are only as many slots as cores, everything else waits with it: sound,
// packets, viewers. With more slots whoever has something to do gets a thread that has been idle, which the system
// prefers, and the more so where codecs ComeLater. GOMAXPROCS in the environment overrules it. It is for main, once: it
// concerns the whole process.
func ShareCores() {
	if os.Getenv("GOMAXPROCS") == "" {
		runtime.GOMAXPROCS(goPerCore * runtime.GOMAXPROCS(0))
	}
}
