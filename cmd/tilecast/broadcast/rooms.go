package broadcast

// The rooms of the cast, far things first. What there is stands to the left and to the
// right: the person sits in the middle, and above them the wall is calm for the caption.

func studio(r *interior) {
	r.wall(0x2f8f8a, 0x1f6d6d)
	r.glow(560, 30, 330, 260, 0x7fd6c6, 0.5)
	r.arc(80, 130, 150, 260, 0x277a78)
	r.soften(5)
	r.picture(508, 60, 84, 104, 0xf3e6cf, 0xfbf4e6, 0xf2975a, 0x2f8f8a)
	r.plant(92, 352, 150, 9, 0x4fb286, 0x2f8a68, 0xe6a15c)
	r.ledge(330, 0x1a5a5c, 0x134648)
	r.soften(3.2)
}

func terracotta(r *interior) {
	r.wall(0xe39a78, 0xc4714f)
	r.glow(150, 190, 300, 260, 0xffd2a8, 0.5)
	r.soften(5)
	r.window(40, 120, 150, 150, 0xbfe3ee, 0xfdf0d6, 0xf8e6d3)
	r.shelf(482, 128, 150, 0x8a4a30, []uint32{0xf6ead8, 0x2f6f8f, 0xe9b44c, 0x9c3d2e, 0x42603f}, 5)
	r.plant(575, 352, 110, 7, 0x6f8f4e, 0x4f7040, 0xf3dcc3)
	r.soften(3.2)
}

func lavender(r *interior) {
	r.wall(0xcdbcf0, 0xa28fd6)
	r.glow(520, 60, 300, 240, 0xf6e6ff, 0.55)
	r.arc(40, 140, 170, 260, 0xb7a4e6)
	r.soften(5)
	r.shelf(470, 118, 170, 0xf6effc, []uint32{0xf7a8b8, 0xffffff, 0x7d6bc0, 0xffd9a0, 0x9ad3c9}, 11)
	r.shelf(470, 206, 170, 0xf6effc, []uint32{0xf7a8b8, 0xffffff, 0x7d6bc0, 0xffd9a0, 0x9ad3c9}, 12)
	r.lamp(112, 330, 74, 0xfff3ea, 0x7d6bc0, 0xffe3ea)
	r.ledge(328, 0x8a78c2, 0x7766b0)
	r.soften(3.2)
}

func plum(r *interior) {
	r.wall(0x4b2a63, 0x2c1840)
	r.glow(90, 220, 260, 240, 0xd84a8c, 0.55)
	r.glow(600, 120, 260, 260, 0x4a6be0, 0.5)
	r.soften(6)
	r.box(486, 54, 120, 9, 4)
	r.fill(flat(0x8fb6ff))
	r.box(486, 54, 9, 120, 4)
	r.fill(flat(0x8fb6ff))
	r.shelf(30, 226, 150, 0x1f1030, []uint32{0xe0579a, 0x6f4aa8, 0xf3c6e0, 0x3d7be0}, 21)
	r.plant(560, 354, 120, 8, 0x6a4aa8, 0x4b3288, 0x1f1030)
	r.ledge(332, 0x1f1030, 0x160b24)
	r.soften(3.4)
}

func forest(r *interior) {
	r.wall(0x3d6b4f, 0x27493a)
	r.glow(130, 170, 260, 220, 0xf6d99a, 0.45)
	r.soften(5)
	r.picture(478, 44, 70, 90, 0xd9b98a, 0xf7efdf, 0xe08a5f, 0x3d6b4f)
	r.picture(562, 72, 60, 76, 0xd9b98a, 0xf7efdf, 0x3d6b4f, 0xd9a441)
	r.lamp(120, 330, 82, 0xf7dfae, 0xb98d52, 0xffe9b8)
	r.plant(590, 354, 120, 9, 0x7fae6a, 0x557f4d, 0xc9805a)
	r.ledge(328, 0x6b4a30, 0x523822)
	r.soften(3.2)
}

func library(r *interior) {
	r.wall(0x2b4570, 0x1b2e50)
	r.glow(520, 20, 320, 260, 0x6f94d6, 0.45)
	r.soften(5)
	books := []uint32{0xe8c27a, 0xb5483c, 0x5f8f9c, 0xf3e6cf, 0x7a9c5a, 0xd97a3f, 0x40588c}
	for i, y := range []float64{206, 290} {
		r.shelf(-20, y, 230, 0x8a623e, books, uint64(31+i))
		r.shelf(470, y-84, 190, 0x8a623e, books, uint64(41+i))
	}
	r.shelf(470, 290, 190, 0x8a623e, books, 47)
	r.ledge(338, 0x6b4a2e, 0x4d3520)
	r.soften(3.2)
}

func saffron(r *interior) {
	r.wall(0xf6c15a, 0xe0963c)
	r.glow(540, 90, 300, 260, 0xfff0b8, 0.6)
	r.soften(5)
	r.window(486, 40, 120, 150, 0x9fd8e6, 0xe9f6e6, 0xfff3dc)
	r.plant(84, 350, 150, 9, 0x4f9a6b, 0x35784f, 0xb5483c)
	r.ledge(330, 0xb5642e, 0x964f24)
	r.soften(3.2)
}

func sage(r *interior) {
	r.wall(0xcfe0cf, 0xa3bfa6)
	r.glow(120, 200, 280, 240, 0xfffbe6, 0.6)
	r.soften(5)
	r.picture(486, 48, 92, 116, 0x8a6b4a, 0xfaf6ec, 0xd97a5a, 0x6f9a86)
	r.picture(588, 84, 60, 80, 0x8a6b4a, 0xfaf6ec, 0x27406b, 0xe0b45a)
	r.pendant(104, 112, 46, 0x3f6b5a, 0xfff0c4)
	r.plant(590, 352, 110, 8, 0x5f9a6f, 0x447a56, 0xfaf6ec)
	r.ledge(326, 0xd9b98a, 0xbf9c6c)
	r.soften(3.2)
}

func neon(r *interior) {
	r.wall(0x1d2740, 0x10162a)
	r.glow(110, 240, 260, 220, 0x1fc7b6, 0.5)
	r.glow(580, 110, 280, 240, 0xff5fa0, 0.5)
	r.soften(6)
	r.bulbs(64, 44, 11, []uint32{0xffd27a, 0xff7ab0, 0x6fe6da, 0xffb36b})
	r.shelf(486, 250, 170, 0x0c1020, []uint32{0x2a3a66, 0xff5fa0, 0x1fc7b6, 0x44548a}, 52)
	r.plant(84, 354, 120, 8, 0x1f8f88, 0x156a6a, 0x0c1020)
	r.ledge(334, 0x0c1020, 0x080b18)
	r.soften(3.4)
}
