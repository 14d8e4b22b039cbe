package codec

import (
	"os"
	"runtime"
)

// goPerCore is how many threads may run Go code for each core.
const goPerCore = 4

// ShareCores keeps Go code going while codecs have all cores to themselves. A codec at work needs
// a thread of the system but none of the GOMAXPROCS slots; so where there are only as many slots as cores, their threads wait
// their turn among those of all codecs, and with them everything else: sound, packets, viewers. With more
// slots whoever has something to do gets a thread that has been idle, which the system prefers. GOMAXPROCS in
// the environment overrules it. It is for main, once: it concerns the whole process.
func ShareCores() {
	if os.Getenv("GOMAXPROCS") == "" {
		runtime.GOMAXPROCS(goPerCore * runtime.GOMAXPROCS(0))
	}
}
