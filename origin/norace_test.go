//go:build !race

package origin

func raceEnabled() bool { return false }
