//go:build race

package origin

func raceEnabled() bool { return true }
