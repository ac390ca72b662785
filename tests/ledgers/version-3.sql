-- A ledger of version 3, as `scrapy crawl` wrote it before ledgers had times that sort: made-up articles of the demo site.
BEGIN TRANSACTION;
CREATE TABLE articles (
            seq INTEGER PRIMARY KEY,
            source TEXT NOT NULL,
            article_id TEXT NOT NULL,
            url TEXT NOT NULL,
            "where" TEXT NOT NULL,
            first_seen TEXT NOT NULL,
            thumbnail TEXT NOT NULL,
            entry TEXT NOT NULL,
            state TEXT NOT NULL,
            attempts INTEGER NOT NULL,
            next_try TEXT,
            published TEXT,
            archived_at TEXT,
            last_checked TEXT,
            next_check TEXT,
            content_hash TEXT NOT NULL,
            file_hash TEXT NOT NULL,
            revision INTEGER NOT NULL,
            family TEXT NOT NULL,
            path TEXT NOT NULL,
            etag TEXT NOT NULL,
            last_modified TEXT NOT NULL,
            gone_at TEXT,
            reason TEXT NOT NULL,
            warc_file TEXT NOT NULL,
            warc_offset INTEGER, announced TEXT, announced_thumbnail TEXT NOT NULL DEFAULT '', announced_entry TEXT NOT NULL DEFAULT '', false_announcements INTEGER NOT NULL DEFAULT 0,
            UNIQUE (source, article_id)
        );
INSERT INTO "articles" VALUES(1,'qq','20261101A01B5J00','https://new.qq.com/rain/a/20261101A01B5J00','channel finance','2026-11-26T04:29:44.972888+00:00','http://127.0.0.1:8000/pic/ObSRxHWSBDvadxd6ndPIoholruszNvvb4N796qT8IhwAA_640360/0','{"url": "https://new.qq.com/omn/20261101/20261101A01B5J00.html", "title": "陶州老窑区更新：烟囱留下，房租怎么算", "publish_time": "2026-11-01 07:40:26", "thumbnail": "http://127.0.0.1:8000/pic/ObSRxHWSBDvadxd6ndPIoholruszNvvb4N796qT8IhwAA_640360/0"}','archived',0,NULL,'2026-11-01T07:40:26.000000+08:00','2026-11-26T04:29:45.654501+00:00','2026-11-26T04:29:45.654501+00:00','2026-11-26T04:30:00.696908+00:00','02c58263fe03216fd58e3e6ddb120608eaf3df0be8e32b0911e955e0f094dcea','c43dfcb07721a30e0419403fbbb9550a7bcb237cbf850ca954ef8ae7e8344bef',1,'F5','content/qq/2026/11/20261101A01B5J00.md','"744caaa7a5dbff5897b4f9cf"','',NULL,'','qq-20261126T042944Z-1.warc.gz',163734,'2026-11-01T01:40:26.000000+00:00','https://inews.gtimg.com/om_ls/Oannounced_640360/0','{"title": "又一版"}',0);
INSERT INTO "articles" VALUES(2,'qq','20261031A07V2S00','https://new.qq.com/rain/a/20261031A07V2S00','channel finance','2026-11-26T04:29:44.973956+00:00','http://127.0.0.1:8000/pic/OahAIu6TCx8d4nsjCIC7QGa17u-UjnY2JXDjyFvfhVwAA_640360/0','{"url": "https://new.qq.com/rain/a/20261031A07V2S00", "title": "深潜器“听涛”号完成第三百次下潜", "publish_time": "2026-10-31 19:58:02", "thumbnail": "http://127.0.0.1:8000/pic/OahAIu6TCx8d4nsjCIC7QGa17u-UjnY2JXDjyFvfhVwAA_640360/0"}','archived',0,NULL,'2026-10-31T19:58:02.000000+08:00','2026-11-26T04:29:45.686727+00:00','2026-11-26T04:29:45.686727+00:00','2026-11-30T11:58:02.000000+00:00','c5dd3ef2456bc88cd3805682cf261b83cc5963845c44aa3395db2b3bd68ba3db','23f75a9aff957e80764da1615d4f5e6670e32f154e164be8e5e8ea123e642070',1,'F5','content/qq/2026/10/20261031A07V2S00.md','"dad60155b216dbf821d67a80"','',NULL,'','qq-20261126T042944Z-1.warc.gz',185615,NULL,'','',0);
INSERT INTO "articles" VALUES(3,'qq','20261104A03K7P00','https://new.qq.com/rain/a/20261104A03K7P00','channel finance','2026-11-26T04:29:44.974355+00:00','http://127.0.0.1:8000/pic/OKJfWdLS77v-4LmR_F7XfeWoo6kJruUi58yJJT-3kXwAA_640360/0','{"url": "https://new.qq.com/rain/a/20261104A03K7P00", "title": "云脊银行在白岬设立首家渔业支行，贷款最快两小时到账", "publish_time": "2026-11-04 08:12:40", "thumbnail": "http://127.0.0.1:8000/pic/OKJfWdLS77v-4LmR_F7XfeWoo6kJruUi58yJJT-3kXwAA_640360/0"}','failed',1,'2026-11-26T04:59:45.408579+00:00',NULL,NULL,'2026-11-26T04:29:45.408602+00:00',NULL,'','',0,'','','','',NULL,'HTTP status 503','',NULL,NULL,'','',0);
INSERT INTO "articles" VALUES(4,'qq','20261103A0P6F200','https://new.qq.com/rain/a/20261103A0P6F200','channel finance','2026-11-26T04:29:44.974712+00:00','http://127.0.0.1:8000/pic/OaU-2cxcsBHV3A3L7ps2X5JNlY_Zav6ySvmb-NZAuTwAA_640360/0','{"url": "https://new.qq.com/rain/a/20261103A0P6F200", "title": "北辰新材回应产线停工传闻", "publish_time": "2026-11-03 21:10:00", "thumbnail": "http://127.0.0.1:8000/pic/OaU-2cxcsBHV3A3L7ps2X5JNlY_Zav6ySvmb-NZAuTwAA_640360/0"}','gone',0,NULL,NULL,NULL,'2026-11-26T04:29:45.406032+00:00','2026-11-26T05:29:44.974712+00:00','','',0,'','','','','2026-11-26T04:29:45.406032+00:00','','',NULL,NULL,'','',0);
INSERT INTO "articles" VALUES(5,'qq','20261103A08W4E00','https://new.qq.com/rain/a/20261103A08W4E00','channel finance','2026-11-26T04:29:44.975057+00:00','http://127.0.0.1:8000/pic/OYepN5Z4UIufTzYPtNU-xJOf4s8T1ZMDZ8WIbMsICnwAA_640360/0','{"url": "https://new.qq.com/rain/a/20261103A08W4E00", "title": "快讯：青砚铁路货运量十月创新高", "publish_time": "2026-11-03 17:30:00", "thumbnail": "http://127.0.0.1:8000/pic/OYepN5Z4UIufTzYPtNU-xJOf4s8T1ZMDZ8WIbMsICnwAA_640360/0"}','archived',0,NULL,'2026-11-03T04:30:00.000000-05:00','2026-11-26T04:29:45.510596+00:00','2026-11-26T04:29:45.510596+00:00','2026-12-03T09:30:00.000000+00:00','7613715a14f8cc34fa18e70ef9884c9c038098a833a637f1e2472f3a4a26e9cd','6c6077735d794932d40a71dcdfdef1b234841424e2cc0e0ef92039691b947581',1,'F5','content/qq/2026/11/20261103A08W4E00.md','"f84fd2adf959663190af644c"','',NULL,'','qq-20261126T042944Z-1.warc.gz',76902,NULL,'','',0);
INSERT INTO "articles" VALUES(6,'qq','20261103A02N6H00','https://new.qq.com/rain/a/20261103A02N6H00','channel finance','2026-11-26T04:29:44.975415+00:00','http://127.0.0.1:8000/pic/OKo8hHsKENcWQJd2uQMm-pTUc3zKi9ld0Rem-eZ2JVwAA_640360/0','{"url": "https://new.qq.com/rain/a/20261103A02N6H00", "title": "一张表看懂：七城新能源公交的电从哪里来", "publish_time": "2026-11-03 09:05:18", "thumbnail": "http://127.0.0.1:8000/pic/OKo8hHsKENcWQJd2uQMm-pTUc3zKi9ld0Rem-eZ2JVwAA_640360/0"}','archived',1,NULL,'2026-11-03T09:05:18.000000+08:00','2026-11-26T04:29:45.522614+00:00','2026-11-26T04:30:00.696908+00:00','2026-11-26T04:30:00.696908+00:00','5da98ec93e28ec67507d9b29d0b8a82c1cc4d5668059346286c0bad725b64fa3','4abc589e5f8783d59d8c5b6136921fdcb2803abc4ead8ed7a8b137376d61c41d',1,'F5','content/qq/2026/11/20261103A02N6H00.md','"047acc3096343e48adc45d23"','',NULL,'the program ended while it read the page: by force, or for want of memory or time','qq-20261126T042944Z-1.warc.gz',33443,NULL,'','',0);
INSERT INTO "articles" VALUES(7,'qq','20240618A04G9K00','https://new.qq.com/rain/a/20240618A04G9K00','channel finance','2026-11-26T04:29:44.975986+00:00','http://127.0.0.1:8000/pic/OKDmtL3Led3YcJ6l_dl8mJlj2OigfQkfm-tfOknYekwAA_640360/0','{"url": "https://new.qq.com/rain/a/20240618A04G9K00", "title": "从一袋米到一条链：谷雨供应链把仓库搬到田埂上", "publish_time": "2024-06-18 10:22:47", "thumbnail": "http://127.0.0.1:8000/pic/OKDmtL3Led3YcJ6l_dl8mJlj2OigfQkfm-tfOknYekwAA_640360/0"}','archived',0,NULL,'2024-06-18T10:22:47.000000+08:00','2026-11-26T04:29:45.338844+00:00','2026-11-26T04:29:45.338844+00:00',NULL,'20b8c4b322f6750729b4d02af2b988fa53f34936bb8b6305efb2a24ebfb61cd3','b0e63baa8adf044c6f11309a0f80305519f4b0f416e2f8f606336e84a1664750',1,'F4','content/qq/2024/06/20240618A04G9K00.md','"34d539599e065f361224055a"','',NULL,'','qq-20261126T042944Z-1.warc.gz',14951,NULL,'','',0);
INSERT INTO "articles" VALUES(8,'qq','TWF2020061800214500','https://new.qq.com/rain/a/TWF2020061800214500','channel finance','2026-11-26T04:29:44.976340+00:00','http://127.0.0.1:8000/pic/OyofddJ5sJH8bAX0e5dOH7-NQ01IdceXBrAs_SkRX6wAA_640360/0','{"url": "https://new.qq.com/omn/TWF20200/TWF2020061800214500.html", "title": "端午前的码头：粽叶从三条水路进城", "publish_time": "2020-06-18 08:02:39", "thumbnail": "http://127.0.0.1:8000/pic/OyofddJ5sJH8bAX0e5dOH7-NQ01IdceXBrAs_SkRX6wAA_640360/0"}','archived',0,NULL,'2020-06-18T08:02:39.000000+08:00','2026-11-26T04:29:45.238362+00:00','2026-11-26T04:29:45.238362+00:00',NULL,'5b4fa3bc9d5cb19fb70152610fb81d781cc7e2929434e0409cacb88f33b02aeb','f46ed07b416022a2036a7fa506f11f1e096bd9f5c4041b516690765690fe10ff',1,'F2','content/qq/2020/06/TWF2020061800214500.md','"2055dd71570889ff1ec51509"','',NULL,'','qq-20261126T042944Z-1.warc.gz',12266,NULL,'','',0);
INSERT INTO "articles" VALUES(9,'qq','FIN2019091600421300','https://new.qq.com/rain/a/FIN2019091600421300','channel finance','2026-11-26T04:29:44.976679+00:00','http://127.0.0.1:8000/pic/OEcQ9XKlnBi6SlFIkKsRxh2qpMHVuudsISRRavxV52wAA_640360/0','{"url": "http://finance.qq.com/a/20190916/004213.htm", "title": "观潮|小镇纽扣厂的第二条生产线：机器换了，人留下", "publish_time": "2019-09-16 08:40:00", "thumbnail": "http://127.0.0.1:8000/pic/OEcQ9XKlnBi6SlFIkKsRxh2qpMHVuudsISRRavxV52wAA_640360/0"}','archived',0,NULL,'2019-09-16T08:40:00.000000+08:00','2026-11-26T04:29:45.626810+00:00','2026-11-26T04:29:45.626810+00:00',NULL,'c974a9cd84df95fe6ce951c0156a8ca16e8b79292bcd9b5120ab3164b699c0f3','d680d3d1330c9f2c0589d1cd2946b388b8e9881c7c57d33d0ca17420d9498908',1,'F1','content/qq/2019/09/FIN2019091600421300.md','"f1da2d919a251dbc031f03db"','',NULL,'','qq-20261126T042944Z-1.warc.gz',157927,NULL,'','',0);
INSERT INTO "articles" VALUES(10,'qq','20261104A05T2Q00','https://new.qq.com/rain/a/20261104A05T2Q00','channel tech','2026-11-26T04:29:45.015028+00:00','http://127.0.0.1:8000/pic/OUL2Ra8ugtmwQcM_fl8EmzWr-KuniR1RmRv_eCWw-AwAA_640360/0','{"url": "https://view.inews.qq.com/a/20261104A05T2Q00", "title": "松塔实验室开源18B语音模型，一块旧显卡就能跑", "publish_time": "2026-11-04 10:47:05", "thumbnail": "http://127.0.0.1:8000/pic/OUL2Ra8ugtmwQcM_fl8EmzWr-KuniR1RmRv_eCWw-AwAA_640360/0"}','quarantined',1,'2026-11-26T04:59:45.429938+00:00',NULL,NULL,'2026-11-26T04:29:45.429620+00:00',NULL,'','',0,'','','','',NULL,'http://127.0.0.1:8000/rain/a/20261104A05T2Q00: the site checks whether a person reads it, expected an article (title ''安全验证'')','qq-20261126T042944Z-1.warc.gz',160689,NULL,'','',0);
INSERT INTO "articles" VALUES(11,'qq','20261102A09D3R00','https://new.qq.com/rain/a/20261102A09D3R00','channel tech','2026-11-26T04:29:45.016006+00:00','http://127.0.0.1:8000/pic/OsDH6k_jn89lZp0eE5LqRPe97xhGeK6S0tvsqIDPQywAA_640360/0','{"url": "https://new.qq.com/rain/a/20261102A09D3R00", "title": "他说“代码即诗”：写模板的人 C:\\drafts 里藏着 {{< 年轮 >}}", "publish_time": "2026-11-02 20:21:33", "thumbnail": "http://127.0.0.1:8000/pic/OsDH6k_jn89lZp0eE5LqRPe97xhGeK6S0tvsqIDPQywAA_640360/0"}','archived',0,NULL,'2026-11-02T20:21:33.000000+08:00','2026-11-26T04:29:45.603301+00:00','2026-11-26T04:29:45.603301+00:00','2026-12-02T12:21:33.000000+00:00','653695197f9dee1cccbabff216fc4e8c4a482da94d2804b4349d752bb1d9a04c','65c40930742d4f0b7e211e5df6cda8f431d7b3d9d9fa95a5769b8bd223e33eb4',1,'F5','content/qq/2026/11/20261102A09D3R00.md','"17c87c6d87546f5310595e2e"','',NULL,'','qq-20261126T042944Z-1.warc.gz',95243,NULL,'','',0);
INSERT INTO "articles" VALUES(12,'qq','20261101A06C8M00','https://new.qq.com/rain/a/20261101A06C8M00','channel tech','2026-11-26T04:29:45.016329+00:00','http://127.0.0.1:8000/pic/OS9kqPqTtNPQah74TdtGHRfsw8DftC-rwTi6rDz75MwAA_640360/0','{"url": "https://new.qq.com/rain/a/20261101A06C8M00", "title": "图集｜雾凇爬满松岗气象站", "publish_time": "2026-11-01 12:00:00", "thumbnail": "http://127.0.0.1:8000/pic/OS9kqPqTtNPQah74TdtGHRfsw8DftC-rwTi6rDz75MwAA_640360/0"}','archived',0,NULL,'2026-11-01T12:00:00.000000+08:00','2026-11-26T04:29:45.578726+00:00','2026-11-26T04:29:45.578726+00:00','2026-12-01T04:00:00.000000+00:00','fc50e7155132faf22b77b55b2e329f86e8f379832ff71f13c4ade6af9425a216','c2c8b99d4cc3c6313098f6105f477ea2896d9cb5377a93bf437fd19356e3b73c',1,'F5','content/qq/2026/11/20261101A06C8M00.md','"5daede67b8bf558cda2c2165"','',NULL,'','qq-20261126T042944Z-1.warc.gz',118500,NULL,'','',0);
INSERT INTO "articles" VALUES(13,'qq','20240902A0H3X500','https://new.qq.com/rain/a/20240902A0H3X500','channel tech','2026-11-26T04:29:45.016798+00:00','http://127.0.0.1:8000/pic/OI6sw8AXFLTK5JdoaYshK4NwwHuEeVVi4grLjjK-S8wAA_640360/0','{"url": "https://new.qq.com/rain/a/20240902A0H3X500", "title": "评论：算力便宜了，电费也要算明白", "publish_time": "2024-09-02 06:30:10", "thumbnail": "http://127.0.0.1:8000/pic/OI6sw8AXFLTK5JdoaYshK4NwwHuEeVVi4grLjjK-S8wAA_640360/0"}','archived',0,NULL,'2024-09-02T06:30:10.000000+08:00','2026-11-26T04:29:45.416930+00:00','2026-11-26T04:29:45.416930+00:00',NULL,'43a40fbae0c94b61d5d3ab8b0baa4c90476deff51947caa4ba8585d49acefcfe','b1ec696d4e03b7fd89a0283c53b1a6563361565e7530ae34f0612f3604f004c4',1,'F4','content/qq/2024/09/20240902A0H3X500.md','"48733a59ae69d608d6855787"','',NULL,'','qq-20261126T042944Z-1.warc.gz',22424,NULL,'','',0);
INSERT INTO "articles" VALUES(14,'qq','20200917A0K2L900','https://new.qq.com/rain/a/20200917A0K2L900','channel tech','2026-11-26T04:29:45.017099+00:00','http://127.0.0.1:8000/pic/O-R9_YvzVHe79jG2YywoT7KrtsXA-D8MLacWOdb-cBwAA_640360/0','{"url": "https://new.qq.com/omn/20200917/20200917A0K2L900.html", "title": "山城小学的屋顶气象课：三十个孩子与一台旧风速仪", "publish_time": "2020-09-17 15:36:11", "thumbnail": "http://127.0.0.1:8000/pic/O-R9_YvzVHe79jG2YywoT7KrtsXA-D8MLacWOdb-cBwAA_640360/0"}','archived',0,NULL,'2020-09-17T15:36:11.000000+08:00','2026-11-26T04:29:45.484675+00:00','2026-11-26T04:29:45.484675+00:00',NULL,'62c102fa9cbb3eeaa0f8e6ba1f0a88161d256fdf5c6783ceed0d01333bb62d86','5f6a076629c3dced58027d30ed3fc8a066b8f3cc6d8a91094e41a5fe1714f911',1,'F2','content/qq/2020/09/20200917A0K2L900.md','"162f1b5c0c1da96814396f24"','',NULL,'','qq-20261126T042944Z-1.warc.gz',30375,NULL,'','',0);
INSERT INTO "articles" VALUES(15,'qq','20261105A00WAI00','https://new.qq.com/rain/a/20261105A00WAI00','channel tech','2026-11-26T04:30:00.696908+00:00','','','found',0,NULL,NULL,NULL,NULL,NULL,'','',0,'','','','',NULL,'','',NULL,NULL,'','',0);
CREATE TABLE lists (
            source TEXT NOT NULL,
            "where" TEXT NOT NULL,
            failures INTEGER NOT NULL,
            has_named INTEGER NOT NULL,
            PRIMARY KEY (source, "where")
        );
INSERT INTO "lists" VALUES('qq','channel finance',0,1);
INSERT INTO "lists" VALUES('qq','channel tech',0,1);
INSERT INTO "lists" VALUES('qq','hot list',0,1);
INSERT INTO "lists" VALUES('qq','channel nba',3,1);
CREATE TABLE pictures (
            seq INTEGER PRIMARY KEY,
            source TEXT NOT NULL,
            article_id TEXT NOT NULL,
            url TEXT NOT NULL,
            state TEXT NOT NULL,
            path TEXT NOT NULL,
            hash TEXT NOT NULL,
            attempts INTEGER NOT NULL,
            next_try TEXT,
            reason TEXT NOT NULL,
            UNIQUE (source, article_id, url)
        );
INSERT INTO "pictures" VALUES(1,'qq','TWF2020061800214500','http://127.0.0.1:8000/pic/OyofddJ5sJH8bAX0e5dOH7-NQ01IdceXBrAs_SkRX6wAA_640360/0','archived','pictures/qq/2020/06/TWF2020061800214500/00-33f77b2a349ec0b5.png','33f77b2a349ec0b5baaad16bf69d9ed4dfca8e898961e44a67cb5ead9dd8bc2b',0,NULL,'');
INSERT INTO "pictures" VALUES(2,'qq','TWF2020061800214500','http://127.0.0.1:8000/pic/OyofddJ5sJH8bAX0e5dOH7-NQ01IdceXBrAs_SkRX6wAA/1000','archived','pictures/qq/2020/06/TWF2020061800214500/01-33f77b2a349ec0b5.png','33f77b2a349ec0b5baaad16bf69d9ed4dfca8e898961e44a67cb5ead9dd8bc2b',0,NULL,'');
INSERT INTO "pictures" VALUES(3,'qq','20240618A04G9K00','http://127.0.0.1:8000/pic/OKDmtL3Led3YcJ6l_dl8mJlj2OigfQkfm-tfOknYekwAA_640360/0','archived','pictures/qq/2024/06/20240618A04G9K00/00-517e01d4e7a013fd.jpg','517e01d4e7a013fdd416b2ee631c1111d190a8694efe74d93638418b4328548c',0,NULL,'');
INSERT INTO "pictures" VALUES(4,'qq','20240618A04G9K00','http://127.0.0.1:8000/pic/OKDmtL3Led3YcJ6l_dl8mJlj2OigfQkfm-tfOknYekwAA/641','archived','pictures/qq/2024/06/20240618A04G9K00/01-517e01d4e7a013fd.jpg','517e01d4e7a013fdd416b2ee631c1111d190a8694efe74d93638418b4328548c',0,NULL,'');
INSERT INTO "pictures" VALUES(5,'qq','20240618A04G9K00','http://127.0.0.1:8000/pic/O41TIiLA1z2ggBLZgPr6A8KSbIdZ5RPfw7G-mi72LSwAA/641','archived','pictures/qq/2024/06/20240618A04G9K00/02-f79d17d719793362.png','f79d17d7197933621fade03236e77189ba96f1312ebf02ca2b8c70a89e04d6cc',0,NULL,'');
INSERT INTO "pictures" VALUES(6,'qq','20240902A0H3X500','http://127.0.0.1:8000/pic/OI6sw8AXFLTK5JdoaYshK4NwwHuEeVVi4grLjjK-S8wAA_640360/0','archived','pictures/qq/2024/09/20240902A0H3X500/00-a4d8d8f20569d32f.webp','a4d8d8f20569d32fb09598483c018c90828cfc6e0ad649dd536664b957150689',0,NULL,'');
INSERT INTO "pictures" VALUES(7,'qq','20200917A0K2L900','http://127.0.0.1:8000/pic/O-R9_YvzVHe79jG2YywoT7KrtsXA-D8MLacWOdb-cBwAA_640360/0','archived','pictures/qq/2020/09/20200917A0K2L900/00-1d52c873ab4d9862.png','1d52c873ab4d98628823aaf024650da34605469c4dde4f049ce49f40883b5d02',0,NULL,'');
INSERT INTO "pictures" VALUES(8,'qq','20200917A0K2L900','http://127.0.0.1:8000/pic/O-R9_YvzVHe79jG2YywoT7KrtsXA-D8MLacWOdb-cBwAA/1000','archived','pictures/qq/2020/09/20200917A0K2L900/01-1d52c873ab4d9862.png','1d52c873ab4d98628823aaf024650da34605469c4dde4f049ce49f40883b5d02',0,NULL,'');
INSERT INTO "pictures" VALUES(9,'qq','20200917A0K2L900','http://127.0.0.1:8000/pic/ObhsJNdyUa0QKA5px348af2QPsAFtRA9GYraXzCk1rwAA/1000','archived','pictures/qq/2020/09/20200917A0K2L900/02-8a20911924799713.webp','8a209119247997134cc76ed2fc65f3f5b530109cd81c2f4360c66730ee3c3bc4',0,NULL,'');
INSERT INTO "pictures" VALUES(10,'qq','20261103A08W4E00','http://127.0.0.1:8000/pic/OYepN5Z4UIufTzYPtNU-xJOf4s8T1ZMDZ8WIbMsICnwAA_640360/0','archived','pictures/qq/2026/11/20261103A08W4E00/00-b2a9f8b2c1c7965b.webp','b2a9f8b2c1c7965ba645fb98e3832d1aab2302fe359194fc3d4338745db0851d',0,NULL,'');
INSERT INTO "pictures" VALUES(11,'qq','20261103A02N6H00','http://127.0.0.1:8000/pic/OKo8hHsKENcWQJd2uQMm-pTUc3zKi9ld0Rem-eZ2JVwAA_640360/0','archived','pictures/qq/2026/11/20261103A02N6H00/00-0c8dd6093e8f489c.png','0c8dd6093e8f489c6c0ddf3078720871a2ca25210e182b8063024a715a290729',0,NULL,'');
INSERT INTO "pictures" VALUES(12,'qq','20261101A06C8M00','http://127.0.0.1:8000/pic/OS9kqPqTtNPQah74TdtGHRfsw8DftC-rwTi6rDz75MwAA_640360/0','archived','pictures/qq/2026/11/20261101A06C8M00/00-54eba5e5bfff1f07.jpg','54eba5e5bfff1f0742f24fa2106a67c0b4662876dfc457bef4809b76dd529b76',0,NULL,'');
INSERT INTO "pictures" VALUES(13,'qq','20261101A06C8M00','http://127.0.0.1:8000/pic/OS9kqPqTtNPQah74TdtGHRfsw8DftC-rwTi6rDz75MwAA/641','archived','pictures/qq/2026/11/20261101A06C8M00/01-54eba5e5bfff1f07.jpg','54eba5e5bfff1f0742f24fa2106a67c0b4662876dfc457bef4809b76dd529b76',0,NULL,'');
INSERT INTO "pictures" VALUES(14,'qq','20261101A06C8M00','http://127.0.0.1:8000/pic/OvTmqyjFyhk_JOLshf6OqgwRce3b2OLXc77hz-fhxPwAA/641','archived','pictures/qq/2026/11/20261101A06C8M00/02-87155066d3c09702.jpg','87155066d3c09702b63a1c01be3872e59e6e80ed24f86f21a2782314ea37b38b',0,NULL,'');
INSERT INTO "pictures" VALUES(15,'qq','20261101A06C8M00','http://127.0.0.1:8000/pic/O6JVGRUrT0KwDhzA5HEXebpBJeP121_RlYGhbfqbXAwAA/641','archived','pictures/qq/2026/11/20261101A06C8M00/03-026f14a63b496482.webp','026f14a63b496482ff7167baddefc45869b9a529b1df5bf5f7ed654533b95f2f',0,NULL,'');
INSERT INTO "pictures" VALUES(16,'qq','20261102A09D3R00','http://127.0.0.1:8000/pic/OsDH6k_jn89lZp0eE5LqRPe97xhGeK6S0tvsqIDPQywAA_640360/0','archived','pictures/qq/2026/11/20261102A09D3R00/00-ce04dd546d119953.webp','ce04dd546d1199538004b487e557981c07695ef53fc3c96e61160877d8238cd2',0,NULL,'');
INSERT INTO "pictures" VALUES(17,'qq','FIN2019091600421300','http://127.0.0.1:8000/pic/OEcQ9XKlnBi6SlFIkKsRxh2qpMHVuudsISRRavxV52wAA_640360/0','archived','pictures/qq/2019/09/FIN2019091600421300/00-d11e8814e9975e08.webp','d11e8814e9975e0860ee05a6b22cd3ce89f1717edb86a9ac41af43ddbf78fc56',0,NULL,'');
INSERT INTO "pictures" VALUES(18,'qq','FIN2019091600421300','http://127.0.0.1:8000/pic/OEcQ9XKlnBi6SlFIkKsRxh2qpMHVuudsISRRavxV52wAA/641','archived','pictures/qq/2019/09/FIN2019091600421300/01-d11e8814e9975e08.webp','d11e8814e9975e0860ee05a6b22cd3ce89f1717edb86a9ac41af43ddbf78fc56',0,NULL,'');
INSERT INTO "pictures" VALUES(19,'qq','20261101A01B5J00','http://127.0.0.1:8000/pic/ObSRxHWSBDvadxd6ndPIoholruszNvvb4N796qT8IhwAA_640360/0','archived','pictures/qq/2026/11/20261101A01B5J00/00-9ef4be5e0bf845a1.png','9ef4be5e0bf845a16f8a045c8a791d83ee6e493d7e6f929314de62861bb39c79',0,NULL,'');
INSERT INTO "pictures" VALUES(20,'qq','20261101A01B5J00','http://127.0.0.1:8000/pic/OH42M-ILwW5u3fXnNkP3kpJkLIjqOXvjKwLdxB4pfnwAA/641','archived','pictures/qq/2026/11/20261101A01B5J00/01-3f4d9015c1bff9b7.jpg','3f4d9015c1bff9b714731b914c0865842569f7e239a6fec88f3b89f55653fd38',0,NULL,'');
INSERT INTO "pictures" VALUES(21,'qq','20261031A07V2S00','http://127.0.0.1:8000/pic/OahAIu6TCx8d4nsjCIC7QGa17u-UjnY2JXDjyFvfhVwAA_640360/0','archived','pictures/qq/2026/10/20261031A07V2S00/00-52ef2a378a5d4b28.png','52ef2a378a5d4b28e6aa6bfbc5c834e7a9989750e3d8a650fce9d6e11dd14f3e',0,NULL,'');
INSERT INTO "pictures" VALUES(22,'qq','20261031A07V2S00','http://127.0.0.1:8000/pic/OahAIu6TCx8d4nsjCIC7QGa17u-UjnY2JXDjyFvfhVwAA/641','archived','pictures/qq/2026/10/20261031A07V2S00/01-52ef2a378a5d4b28.png','52ef2a378a5d4b28e6aa6bfbc5c834e7a9989750e3d8a650fce9d6e11dd14f3e',0,NULL,'');
INSERT INTO "pictures" VALUES(23,'qq','20261031A07V2S00','https://inews.gtimg.com/om_bt/Omissing/641','failed','','',1,'2026-11-26T05:00:00.696908+00:00','HTTP status 404');
CREATE TABLE readings (
            page TEXT PRIMARY KEY,
            times INTEGER NOT NULL
        );
INSERT INTO "readings" VALUES('/saved/poison.html',1);
CREATE TABLE runs (
            run INTEGER PRIMARY KEY AUTOINCREMENT,
            started TEXT NOT NULL,
            ended TEXT,
            pid INTEGER NOT NULL,
            arguments TEXT NOT NULL,
            exit_code INTEGER,
            counts TEXT NOT NULL
        );
INSERT INTO "runs" VALUES(1,'2026-11-26T04:29:44.677643+00:00','2026-11-26T04:29:45.711152+00:00',19243,'scrapy crawl qq -s ARCHIVE_DIR=archive -s QQ_CHANNELS=finance,tech -s QQ_LIST_URL=http://127.0.0.1:8000/web_feed/getPCList -s QQ_ARTICLE_URL=http://127.0.0.1:8000/rain/a/{id} -s QQ_HOT_URL=http://127.0.0.1:8000/gw/event/pc_hot_ranking_list -s QQ_ACCOUNT_URL=http://127.0.0.1:8000/getSubNewsMixedList -s QQ_SITEMAP_URL=http://127.0.0.1:8000/sitemap/index.xml -s DOWNLOAD_DELAY=0 -s AUTOTHROTTLE_ENABLED=False -s CONCURRENT_REQUESTS_PER_DOMAIN=8 -s ARCHIVE_BACKOFF=0.01 -s ARCHIVE_PICTURES=True -s… (535 characters)',0,'{"article/challenged": 1, "article/failed": 1, "article/gone": 1, "article/new": 11, "complete": 1, "entry/article": 19, "entry/header": 2, "entry/known": 5, "entry/other": 0, "entry/question": 1, "entry/tag": 1, "entry/video": 1, "error": 0, "family/F1": 1, "family/F2": 2, "family/F4": 2, "family/F5": 6, "filtered": 0, "kind": "lists", "length/median": 183.0, "list/always_empty": 0, "list/read": 4, "newest/hours": 547.0, "newest/usual": 547.0, "page/read": 12, "picture/stored": 22, "reason": "finished", "request/article": 14, "request/list": 4, "same/body": 1, "same/time": 1, "same/title": 1, "seconds": 1.0, "site/refused": 1, "site/unreachable": 1, "without/picture": 4, "without/text": 1}');
INSERT INTO "runs" VALUES(2,'2026-11-26T04:29:47.763857+00:00','2026-11-26T04:29:47.961048+00:00',19279,'scrapy crawl qq -a hot=1 -s ARCHIVE_DIR=archive -s QQ_CHANNELS=finance,tech -s QQ_LIST_URL=http://127.0.0.1:8000/web_feed/getPCList -s QQ_ARTICLE_URL=http://127.0.0.1:8000/rain/a/{id} -s QQ_HOT_URL=http://127.0.0.1:8000/gw/event/pc_hot_ranking_list -s QQ_ACCOUNT_URL=http://127.0.0.1:8000/getSubNewsMixedList -s QQ_SITEMAP_URL=http://127.0.0.1:8000/sitemap/index.xml -s DOWNLOAD_DELAY=0 -s AUTOTHROTTLE_ENABLED=False -s CONCURRENT_REQUESTS_PER_DOMAIN=8 -s ARCHIVE_BACKOFF=0.01 -s ARCHIVE_PICTURE… (544 characters)',0,'{"complete": 1, "entry/article": 14, "entry/header": 1, "entry/known": 14, "entry/other": 0, "error": 0, "filtered": 0, "kind": "lists", "list/always_empty": 0, "list/read": 1, "newest/hours": 547.0, "newest/usual": 547.0, "reason": "finished", "request/list": 1, "seconds": 0.2}');
INSERT INTO "runs" VALUES(3,'2026-11-26T04:30:00.696908+00:00',NULL,4242,'scrapy crawl qq',NULL,'{}');
CREATE TABLE walks (
            source TEXT NOT NULL,
            "where" TEXT NOT NULL,
            PRIMARY KEY (source, "where")
        );
INSERT INTO "walks" VALUES('qq','channel finance');
CREATE INDEX unfinished ON articles (source, seq) WHERE state IN ('found', 'failed', 'quarantined');
CREATE INDEX rechecks ON articles (source, next_check) WHERE next_check IS NOT NULL;
CREATE INDEX pictures_unfinished ON pictures (source, seq) WHERE state = 'failed';
CREATE INDEX pictures_by_url ON pictures (url);
CREATE INDEX pictures_by_hash ON pictures (hash) WHERE hash <> '';
CREATE INDEX states ON articles (state);
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('runs',3);
COMMIT;
PRAGMA user_version = 3;
