package broadcast

// Person is one of the cast: how they look, where they sit, how they sound.
type Person struct {
	Name string

	skin, shade, blush uint32 // RGB
	hair, hairDark     uint32
	shirt, shirtDark   uint32
	accent             uint32
	iris, brow, lash   uint32
	jaw                float64 // how square the chin is, 0..20
	style              func(*figure, layer)
	wear               func(*figure, layer)

	room func(*interior)

	// of the voice: Hz; a factor on the formants, above 1 for a shorter vocal tract; from -1, left, to 1
	pitch, tract, place float64
	tempo               float64 // of the movements
}

// Cast is everybody there is, in order of appearance.
var Cast = [...]Person{
	{
		Name: "Amara", skin: 0x8d5a3b, shade: 0x6f4229, blush: 0xb5654a,
		hair: 0x2b1c18, hairDark: 0x1d1210, shirt: 0xf2b632, shirtDark: 0xd8942a, accent: 0xffd874, iris: 0x21130d, brow: 0x1d1210, lash: 0x1a100e, jaw: 2,
		style: afro, wear: hoops, room: studio,
		pitch: 205, tract: 1.12, place: -0.25, tempo: 1.0,
	},
	{
		Name: "Mateo", skin: 0xdba07a, shade: 0xbe8059, blush: 0xd97f63,
		hair: 0x3a261c, hairDark: 0x2a1a13, shirt: 0x2f6f8f, shirtDark: 0x235670, accent: 0xf4efe6, iris: 0x2a1a10, brow: 0x2a1a13, lash: 0x261711, jaw: 12,
		style: quiff, wear: beardAndCollar, room: terracotta,
		pitch: 112, tract: 0.94, place: 0.25, tempo: 0.87,
	},
	{
		Name: "Yuki", skin: 0xf3cfb3, shade: 0xdbab8c, blush: 0xee9d8b,
		hair: 0x26212b, hairDark: 0x17141b, shirt: 0xfaf3ee, shirtDark: 0xdfd0d2, accent: 0xe4577a, iris: 0x1f171b, brow: 0x17141b, lash: 0x151218, jaw: 0,
		style: bob, wear: sweater, room: lavender,
		pitch: 235, tract: 1.17, place: -0.12, tempo: 1.12,
	},
	{
		Name: "Kofi", skin: 0x6b412a, shade: 0x50301e, blush: 0x8c4c36,
		hair: 0x17110f, hairDark: 0x0f0b0a, shirt: 0xee6c3b, shirtDark: 0xcc5128, accent: 0xf5efe7, iris: 0x140c08, brow: 0x0f0b0a, lash: 0x0e0a09, jaw: 10,
		style: fade, wear: headphones, room: plum,
		pitch: 98, tract: 0.92, place: 0.12, tempo: 0.94,
	},
	{
		Name: "Noor", skin: 0xd9a47c, shade: 0xbd865f, blush: 0xd97d68,
		hair: 0xe2a39a, hairDark: 0xc98379, shirt: 0xf0e2d3, shirtDark: 0xd6c3ae, accent: 0xb96d64, iris: 0x2c1c12, brow: 0x3b2620, lash: 0x432a24, jaw: 0,
		style: hijab, wear: plain, room: forest,
		pitch: 215, tract: 1.1, place: -0.3, tempo: 1.05,
	},
	{
		Name: "Finn", skin: 0xf2c9ab, shade: 0xd9a583, blush: 0xea8f76,
		hair: 0xc9622b, hairDark: 0xa84b1f, shirt: 0x3f8f6b, shirtDark: 0x2f7254, accent: 0x26303a, iris: 0x2a4250, brow: 0xa84b1f, lash: 0x432a24, jaw: 6,
		style: curls, wear: glassesAndCrew, room: library,
		pitch: 128, tract: 0.98, place: 0.3, tempo: 1.08,
	},
	{
		Name: "Priya", skin: 0xb97a52, shade: 0x9a5f3c, blush: 0xc9695a,
		hair: 0x2a1a19, hairDark: 0x1a100f, shirt: 0xc23a78, shirtDark: 0x9c2a5f, accent: 0xf3c64e, iris: 0x23130c, brow: 0x1a100f, lash: 0x170e0e, jaw: 0,
		style: longWaves, wear: kurta, room: saffron,
		pitch: 222, tract: 1.14, place: -0.05, tempo: 0.98,
	},
	{
		Name: "Ingrid", skin: 0xf4d3bd, shade: 0xdcb096, blush: 0xe9978a,
		hair: 0xe6e3e0, hairDark: 0xc4c0be, shirt: 0x27406b, shirtDark: 0x1c3052, accent: 0xb04a5a, iris: 0x35546b, brow: 0xa39a96, lash: 0x432a24, jaw: 2,
		style: bun, wear: turtleneck, room: sage,
		pitch: 178, tract: 1.06, place: 0.18, tempo: 0.8,
	},
	{
		Name: "Zoë", skin: 0xe9b896, shade: 0xcc9472, blush: 0xe8806f,
		hair: 0xff6fa3, hairDark: 0xd94c86, shirt: 0x23252f, shirtDark: 0x171922, accent: 0x59e0d0, iris: 0x2c2230, brow: 0x6b3a45, lash: 0x432a24, jaw: 2,
		style: pixie, wear: tee, room: neon,
		pitch: 192, tract: 1.09, place: 0.05, tempo: 1.18,
	},
}
